// The cashier's helper: a button works once, the newest open request is watched, a scan begins in the right field.
const PAUSE_MS = 3000;
const code = document.getElementById('code');
if (code && !code.value) code.focus();

for (const form of document.querySelectorAll('form[data-once]')) {
    form.addEventListener('submit', (event) => {
        if (form.dataset.sent) event.preventDefault();
        form.dataset.sent = 'yes';
        setTimeout(() => delete form.dataset.sent, 3000);
    });
}

const open = [...document.querySelectorAll('article.request')]
    .filter((one) => ['pending', 'partly_paid'].includes(one.dataset.status))
    .slice(0, 5);
let left = 600; // half an hour

async function moved(one) {
    const reply = await fetch(`/p/${one.dataset.token}/status`, { cache: 'no-store' });
    if (!reply.ok) return false;
    const now = await reply.json();
    return now.status !== one.dataset.status || String(now.allocated + now.surplus) !== one.dataset.received;
}

const attempts = [...document.querySelectorAll('[data-attempt]')];

async function decided(one) {
    const reply = await fetch(one.dataset.attempt, { cache: 'no-store' });
    return reply.ok && (await reply.json()).status !== one.dataset.attemptStatus;
}

async function watch() {
    if (document.visibilityState !== 'hidden') {
        const live = document.getElementById('live');
        try {
            if ((await Promise.all([...open.map(moved), ...attempts.map(decided)])).includes(true)) {
                location.reload();
                return;
            }
            live.textContent = 'Đang chờ tiền về. Trang tự cập nhật.';
        } catch {
            live.textContent = 'Đang mất mạng.';
        }
    }
    left -= 1;
    if (left > 0) setTimeout(watch, PAUSE_MS);
}
if (open.length || attempts.length) setTimeout(watch, PAUSE_MS);
