// Watches one payment request and shows the page anew when its money moves. Without this file the page says the same
// after “Kiểm tra lại”.
const page = document.getElementById('pay');
const live = document.getElementById('live');
const statusUrl = `/p/${page.dataset.token}/status`;
const started = Date.now();
const STOP_MS = 15 * 60 * 1000;
const SETTLED = ['paid', 'overpaid'];
let asked = 0;
let timer = 0;
let asking = false;

const settled = () => SETTLED.includes(page.dataset.status);
const waiting = () => ['pending', 'partly_paid', 'expired'].includes(page.dataset.status)
    || (settled() && page.dataset.receipts === '0');

// 3 s twenty times, then 10 s for five minutes, then 30 s.
function pause() {
    if (asked < 20) return 3000;
    return asked < 50 ? 10000 : 30000;
}

async function moved() {
    const reply = await fetch(statusUrl, { cache: 'no-store' });
    if (!reply.ok) return false;
    const now = await reply.json();
    if (now.status !== page.dataset.status || String(now.allocated + now.surplus) !== page.dataset.received) return true;
    if (!settled()) return false;
    // Settled: only the receipt is awaited, and the page itself knows of it.
    const fresh = await (await fetch(location.href, { cache: 'no-store' })).text();
    return !fresh.includes('data-receipts="0"');
}

async function check() {
    clearTimeout(timer);
    if (asking || document.visibilityState === 'hidden') return;
    asking = true;
    asked += 1;
    try {
        if (await moved()) {
            location.reload();
            return;
        }
        if (live.textContent !== live.dataset.watching) live.textContent = live.dataset.watching;
    } catch {
        live.textContent = live.dataset.offline;
    } finally {
        asking = false;
    }
    schedule();
}

function schedule() {
    clearTimeout(timer);
    if (waiting() && Date.now() - started < STOP_MS) timer = setTimeout(check, pause());
}

// Coming back from the bank's app: timers may have been asleep, so ask at once.
document.addEventListener('visibilitychange', () => waiting() && check());
addEventListener('pageshow', (event) => event.persisted && waiting() && check());
addEventListener('online', () => waiting() && check());

if (navigator.clipboard) {
    for (const button of document.querySelectorAll('button.copy')) {
        button.hidden = false;
        button.addEventListener('click', async () => {
            await navigator.clipboard.writeText(button.dataset.copy);
            button.firstChild.data = button.dataset.done;
            live.textContent = `${button.dataset.done}: ${button.dataset.copy}`;
        });
    }
}
schedule();
