// The pages as people meet them: every state, with and without scripts, on a small phone, and under axe.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { openWorld, makeRequest, fileDossier, pay, waitFor, api, sql, screens, root, COLLECTOR } from './service.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let world;
before(async () => { world = await openWorld(); });
after(async () => { await world.close(); });

const PHONE = { width: 320, height: 640 };
const DESK = { width: 1280, height: 900 };

async function visit(path, { script = true, size = PHONE, context: given } = {}) {
    const context = given ?? await world.browser.newContext({ viewport: size, javaScriptEnabled: script });
    const page = await context.newPage();
    const refused = [];
    page.on('console', (message) => { if (/Content Security Policy|Refused to/.test(message.text())) refused.push(message.text()); });
    page.on('pageerror', (error) => refused.push(String(error)));
    await page.goto(path.startsWith('http') ? path : world.url + path);
    return { page, context, refused };
}

// axe is put into the page by the debugger, past the page's own policy.
async function assertAccessible(page, name) {
    const session = await page.context().newCDPSession(page);
    await session.send('Runtime.evaluate', { expression: axe });
    const { result, exceptionDetails } = await session.send('Runtime.evaluate', {
        expression: `axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
            .then((r) => JSON.stringify(r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target + ' ' + n.failureSummary).join('; '))))`,
        awaitPromise: true,
    });
    assert.equal(exceptionDetails, undefined);
    assert.deepEqual(JSON.parse(result.value), [], `axe on ${name}`);
}

async function assertFits(page, name) {
    const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    assert.ok(inner <= outer, `${name} is ${inner} px wide in a window of ${outer}`);
}

async function assertTargets(page, name) {
    const small = await page.evaluate(() => [...document.querySelectorAll('a, button, input:not([type=hidden]), select, summary')]
        .filter((one) => one.getClientRects().length && !one.closest('.skip') && !one.classList.contains('skip'))
        .filter((one) => (one.closest('label') ?? one).getBoundingClientRect().height < 43.5
            && getComputedStyle(one).display !== 'inline')
        .map((one) => one.outerHTML.slice(0, 80)));
    assert.deepEqual(small, [], `small targets on ${name}`);
}

async function inspect(path, name, { context } = {}) {
    const phone = await visit(path, { context });
    await phone.page.setViewportSize(PHONE);
    await assertAccessible(phone.page, name);
    await assertFits(phone.page, name);
    await assertTargets(phone.page, name);
    assert.deepEqual(phone.refused, [], `${name} under its own policy`);
    await phone.page.screenshot({ path: join(screens, `${name}-phone.png`), fullPage: true });
    await phone.page.setViewportSize(DESK);
    await phone.page.screenshot({ path: join(screens, `${name}-desk.png`), fullPage: true });
    const heading = await phone.page.textContent('h1');
    const title = await phone.page.title();
    if (context) await phone.page.close();
    else await phone.context.close();
    return { heading, title };
}

const path = (request) => new URL(request.pay_url).pathname;

async function signIn(role) {
    const context = await world.browser.newContext({ viewport: DESK });
    const page = await context.newPage();
    await page.goto(`${world.url}/${role === 'finance' ? 'finance' : 'counter'}`);
    await page.fill('#login', role);
    await page.fill('#password', world.password);
    await page.click('main button.main');
    return { context, page };
}

test('the front door leads everywhere, in both languages', async () => {
    const vi = await inspect('/', 'front');
    assert.match(vi.heading, /Nộp phí, lệ phí/);
    const en = await inspect('/?lang=en', 'front-en');
    assert.match(en.heading, /Fees for public services/);
});

test('the calculator explains a price and names what is missing', async () => {
    await inspect('/quote?query=ly+lich', 'quote-search');
    const found = await visit('/quote?query=ly+lich+tu+phap');
    assert.ok(await found.page.locator('a[href^="/quote?procedure=3.000333"]').count());
    await found.context.close();
    await inspect('/quote?procedure=3.000333&channel=online&copies=4', 'quote');
    const priced = await visit('/quote?procedure=3.000333&channel=online&copies=4');
    assert.equal(await priced.page.textContent('.figure'), '210.000 đồng');
    await priced.context.close();
    const wrong = await inspect('/quote?procedure=3.000333&channel=online&copies=hai', 'quote-wrong');
    assert.match(wrong.title, /^Lỗi: /);
});

test('a request that waits shows its QR, account, amount and memo as text', async () => {
    const request = await makeRequest(world);
    const { heading } = await inspect(path(request), 'pay-pending');
    assert.equal(heading, 'Cần nộp 200.000 đồng');
    const { page, context } = await visit(path(request), { script: false });
    const text = await page.textContent('main');
    for (const one of ['1014000000011', 'Vietcombank', '200.000 đồng', 'Chưa thấy tiền về', 'Tiền của tôi đang ở đâu', 'Công an tỉnh'])
        assert.ok(text.includes(one), one);
    assert.ok(text.replaceAll(' ', '').includes(request.reference));
    assert.ok(await page.locator('.qr svg').count(), 'the QR is in the page itself');
    assert.equal(await page.locator('button.copy:visible').count(), 0, 'no button that needs a script without scripts');
    assert.ok(await page.locator('a', { hasText: 'Kiểm tra lại' }).isVisible());
    const image = await fetch(world.url + await page.getAttribute('a[download]', 'href'));
    assert.equal(image.headers.get('content-type'), 'image/png');
    await context.close();
    const english = await inspect(`${path(request)}?lang=en`, 'pay-pending-en');
    assert.equal(english.heading, 'Please pay 200,000 VND');
});

test('money that arrives changes the open page by itself, and without scripts after one press', async () => {
    const request = await makeRequest(world);
    const live = await visit(path(request));
    const plain = await visit(path(request), { script: false });
    await pay(world, request.vietqr.payload);
    await waitFor(world, request.id, 'paid');
    await live.page.waitForFunction(() => /Đã nhận đủ 200\.000 đồng/.test(document.querySelector('h1').textContent), null, { timeout: 15000 });
    await plain.page.click('a:has-text("Kiểm tra lại")');
    assert.match(await plain.page.textContent('h1'), /Đã nhận đủ 200\.000 đồng/);
    assert.equal(await plain.page.locator('.qr').count(), 0, 'nothing to pay twice');
    assert.match(await plain.page.textContent('.timeline'), /Đã thấy tiền về: 200\.000 đồng qua chuyển khoản/);
    await live.context.close();
    await plain.context.close();
    await inspect(path(request), 'pay-paid');
});

test('the receipt comes to the open page by itself, and can be read', { skip: !process.env.DATABASE_URL && 'needs DATABASE_URL' }, async () => {
    const year = String(new Date().getFullYear()).slice(2);
    sql(`SELECT receipt_range_open(now(), 'test', '${COLLECTOR}', 'EBL01', '${year}TAA', '', NULL, 1, 99999999, true)
         WHERE NOT EXISTS (SELECT FROM receipt_book WHERE collector = '${COLLECTOR}')`);
    const request = await makeRequest(world);
    const live = await visit(path(request));
    await pay(world, request.vietqr.payload);
    const link = live.page.locator('a[href^="/r/"]');
    await link.waitFor({ timeout: 30000 });
    assert.match(await link.textContent(), new RegExp(`Tải biên lai ${year}TAA số \\d+`));
    await inspect(path(request), 'pay-receipt');
    const receipt = await fetch(world.url + await link.getAttribute('href'));
    assert.equal(receipt.status, 200);
    assert.match(await receipt.text(), /Hai trăm nghìn đồng/);
    await live.context.close();
});

test('the address cannot make a success', async () => {
    const request = await makeRequest(world);
    const { page, context } = await visit(`${path(request)}?status=PAID&code=00&cancel=false`);
    assert.equal(await page.textContent('h1'), 'Cần nộp 200.000 đồng');
    await context.close();
});

test('a part that came shows what is missing, and a QR for the rest', async () => {
    const request = await makeRequest(world);
    await pay(world, request.vietqr.payload, { amount: 150000 });
    await waitFor(world, request.id, 'partly_paid');
    const { heading } = await inspect(path(request), 'pay-partly');
    assert.equal(heading, 'Còn thiếu 50.000 đồng');
    const { page, context } = await visit(path(request));
    assert.equal(await page.getAttribute('button.copy[data-copy="50000"]', 'data-copy'), '50000');
    await context.close();
});

test('too much is said plainly, with what happens to it', async () => {
    const request = await makeRequest(world);
    await pay(world, request.vietqr.payload, { amount: 250000 });
    await waitFor(world, request.id, 'overpaid');
    const { heading } = await inspect(path(request), 'pay-overpaid');
    assert.equal(heading, 'Đã nhận đủ phí. Thừa 50.000 đồng');
    const { page, context } = await visit(path(request));
    assert.match(await page.textContent('.timeline'), /Hoàn 50\.000 đồng về tài khoản …3456: đang chờ duyệt/);
    await context.close();
});

test('an exempt dossier needs no payment', async () => {
    const request = await makeRequest(world, { categories: ['digital_citizen'] });
    assert.equal(request.status, 'nothing_due');
    const { heading } = await inspect(path(request), 'pay-exempt');
    assert.equal(heading, 'Hồ sơ này được miễn lệ phí');
});

test('a cancelled request says not to pay', async () => {
    const request = await makeRequest(world);
    await api(world, 'POST', `/v1/payment-requests/${request.id}/cancel`, { reason: 'rút hồ sơ' });
    const { heading } = await inspect(path(request), 'pay-cancelled');
    assert.equal(heading, 'Yêu cầu nộp tiền này đã hủy');
});

test('an expired request is renewed with one press, without scripts', { skip: !process.env.DATABASE_URL && 'needs DATABASE_URL' }, async () => {
    const request = await makeRequest(world);
    sql(`UPDATE payment_request SET status = 'expired' WHERE id = ${request.id}`);
    const { heading } = await inspect(path(request), 'pay-expired');
    assert.equal(heading, 'Mã QR này đã hết hạn');
    const { page, context } = await visit(path(request), { script: false });
    assert.equal(await page.locator('.qr').count(), 0);
    await page.click('button:has-text("Tạo mã mới")');
    assert.equal(await page.textContent('h1'), 'Cần nộp 200.000 đồng');
    await context.close();
});

test('wallets, VNPAY and the national portal are paid on their own pages and end in the same confirmation', async () => {
    for (const [source, title, way] of [['momo', 'MoMo', 'Trả tiền, thông báo ba lần'], ['zalopay', 'ZaloPay', 'Trả tiền'],
        ['vnpay', 'VNPAY', 'Trả tiền'], ['dvcqg', 'Cổng', 'Trả tiền']]) {
        const request = await makeRequest(world);
        const { page, context } = await visit(path(request), { script: false });
        if (source === 'momo') await page.screenshot({ path: join(screens, 'pay-ways-phone.png'), fullPage: true });
        await page.click(`form[action*="/ways/${source}"] button`);
        await page.click('section.ways a.button.main');
        assert.match(await page.textContent('h1'), new RegExp(`${title}.*giả lập`));
        assert.match(await page.textContent('table'), /200\.000 đồng/);
        await page.click(`button:text-is("${way}")`);
        const paid = await waitFor(world, request.id, 'paid');
        assert.equal(paid.surplus, 0, `${source} is booked once`);
        await page.goto(`${world.url}${path(request)}`);
        assert.equal(await page.textContent('h1'), 'Đã nhận đủ 200.000 đồng');
        await context.close();
    }
});

test('what a wallet took it gives back itself, once, after two people', async () => {
    const supervisor = await signIn('supervisor');
    for (const source of ['momo', 'zalopay', 'vnpay']) {
        const request = await makeRequest(world);
        const { page, context } = await visit(path(request), { script: false });
        await page.click(`form[action*="/ways/${source}"] button`);
        await page.click('section.ways a.button.main');
        await page.click('button:text-is("Trả tiền")');
        await waitFor(world, request.id, 'paid');
        const { items } = await api(world, 'GET', `/v1/payments?reference=${request.reference}`);
        const payment = items.find((one) => one.reference === request.reference);
        // the first answer is lost on the way; the same number is asked again
        if (source === 'zalopay') await fetch(`${world.sandbox}/mischief`, { method: 'POST', headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ path: '/zalopay/refund', kind: 'answer_500' }) });
        const refund = await api(world, 'POST', `/v1/payments/${payment.id}/refunds`, { amount: 50000, reason: 'correction', note: 'trả lại một phần' }, 201);
        const approved = await supervisor.context.request.post(`${world.url}/v1/refunds/${refund.id}/approve`, { data: {} });
        assert.equal(approved.status(), 200, await approved.text());
        let now;
        for (let i = 0; i < 200; i++) {
            now = await api(world, 'GET', `/v1/refunds/${refund.id}`);
            if (now.state === 'paid' || now.state === 'failed') break;
            await new Promise((resolve) => setTimeout(resolve, 100));
        }
        assert.equal(now.state, 'paid', `${source}: ${JSON.stringify(now)}`);
        const given = (await (await fetch(`${world.sandbox}/gateways/refunds`)).json()).items.filter((one) => one.number === now.bank_reference);
        assert.deepEqual(given.map((one) => one.amount), [50000], `${source} gave back once`);
        assert.equal((await api(world, 'GET', `/v1/payment-requests/${request.id}`)).status, 'partly_refunded');
        await context.close();
    }
    await supervisor.context.close();
});

test('a wallet that signs wrongly is not believed', async () => {
    const request = await makeRequest(world);
    const { page, context } = await visit(path(request), { script: false });
    await page.click('form[action*="/ways/zalopay"] button');
    await page.click('section.ways a.button.main');
    await page.click('button:text-is("Trả tiền, thông báo ký sai")');
    for (let i = 0; i < 100; i++) {
        const { items } = await (await fetch(`${world.sandbox}/wallet/webhooks`)).json();
        if (items.some((one) => one.subject.includes(request.reference) && one.tries > 0)) break;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal((await api(world, 'GET', `/v1/payment-requests/${request.id}`)).status, 'pending');
    await page.goto(`${world.url}${path(request)}`);
    assert.match(await page.textContent('section.ways'), /Đang chờ kết quả thanh toán bằng ZaloPay/);
    await context.close();
});

test('a company gives its name and tax code for the receipt, without scripts', async () => {
    const request = await makeRequest(world);
    const { page, context } = await visit(path(request), { script: false });
    await page.click('a:has-text("Biên lai ghi tên công ty hoặc người khác")');
    await inspect(`${path(request)}/payer`, 'payer');
    await page.fill('#name', 'Công ty TNHH Vịnh Xanh');
    await page.fill('#tax_code', '01001091XY');
    await page.click('button:has-text("Lưu")');
    assert.match(await page.textContent('#tax_code-wrong'), /Mã số thuế không đúng/);
    assert.equal(await page.inputValue('#name'), 'Công ty TNHH Vịnh Xanh', 'nothing has to be typed twice');
    await page.fill('#tax_code', '0100109106');
    await page.fill('#address', 'Hồng Gai, Quảng Ninh');
    await page.click('button:has-text("Lưu")');
    assert.match(await page.textContent('[role=status]'), /Đã lưu/);
    await pay(world, request.vietqr.payload);
    const paid = await waitFor(world, request.id, 'paid');
    assert.equal(paid.payer.tax_code, '0100109106');
    await page.goto(`${world.url}${path(request)}`);
    await page.waitForSelector('a:has-text("Tải biên lai")', { timeout: 20000 }).catch(async () => page.reload());
    await page.goto(`${world.url}${path(request)}/payer`);
    await page.fill('#name', 'Người khác');
    await page.click('button:has-text("Lưu")');
    assert.match(await page.textContent('[role=alert]'), /Biên lai đã lập/);
    await page.goto(`${world.url}${path(request)}`);
    await page.click('a:has-text("Tải biên lai")');
    assert.match(await page.textContent('main'), /Công ty TNHH Vịnh Xanh/);
    await context.close();
});

test('refunds are told with their bank account', { skip: !process.env.DATABASE_URL && 'needs DATABASE_URL' }, async () => {
    const request = await makeRequest(world);
    await pay(world, request.vietqr.payload);
    await waitFor(world, request.id, 'paid');
    sql(`INSERT INTO refund (payment_id, request_id, amount, reason, state, requested_by, approved_by, bank_reference, paid_on, created_at, changed_at)
         SELECT id, request_id, amount, 'fee_rule', 'paid', 'staff:a', 'staff:b', 'FT1', current_date, booked_at, booked_at FROM payment WHERE request_id = ${request.id};
         UPDATE payment_request SET status = 'refunded' WHERE id = ${request.id}`);
    const { heading } = await inspect(path(request), 'pay-refunded');
    assert.equal(heading, 'Khoản tiền đã được hoàn');
    const { page, context } = await visit(path(request));
    assert.match(await page.textContent('.timeline'), /Hoàn 200\.000 đồng về tài khoản …3456: ngân hàng đã trả/);
    await context.close();
});

test('an unknown link is a plain page, not an accusation', async () => {
    const reply = await fetch(`${world.url}/p/AAAAAAAAAAAAAAAAAAAAAA`);
    assert.equal(reply.status, 404);
    const { heading } = await inspect('/p/AAAAAAAAAAAAAAAAAAAAAA', 'pay-unknown');
    assert.equal(heading, 'Không tìm thấy trang');
});

test('the citizen page stays within its budget and asks nobody else', async () => {
    const request = await makeRequest(world);
    const context = await world.browser.newContext({ viewport: PHONE });
    const page = await context.newPage();
    const asked = [];
    page.on('response', (reply) => asked.push(reply));
    await page.goto(request.pay_url.replace(/^https?:\/\/[^/]+/, world.url), { waitUntil: 'networkidle' });
    const bodies = await Promise.all(asked.map(async (one) => gzipSync(await one.body()).length));
    const total = bodies.reduce((sum, one) => sum + one, 0);
    assert.ok(asked.every((one) => one.url().startsWith(world.url)));
    assert.ok(asked.length <= 4, `${asked.length} requests`);
    assert.ok(total <= 25 * 1024, `${total} bytes gzipped`);
    writeFileSync(join(screens, 'budget.json'), JSON.stringify({ requests: asked.length, gzipped: total }));
    await context.close();
});

test('names of people cannot become markup', async () => {
    const code = await fileDossier(world);
    await api(world, 'PUT', `/v1/dossiers/${code}`, {
        procedure: '3.000333', agency: 'QN-CAT', channel: 'online', submitted_at: new Date().toISOString(),
        applicant: { name: '<script>alert(1)</script>"\'><b>', phone: '0912345678' },
    });
    const { context, page } = await signIn('cashier');
    await page.goto(`${world.url}/counter?code=${code}`);
    assert.match(await page.textContent('main'), /<script>alert\(1\)<\/script>"'><b>/);
    const reflected = await page.goto(`${world.url}/counter?code=${encodeURIComponent('"><script>alert(1)</script>')}`);
    assert.ok(!(await reflected.text()).includes('<script>alert'));
    await context.close();
});

test('the cashier signs in, asks for money, and a second press asks for nothing more', async () => {
    const code = await fileDossier(world, { channel: 'counter' });
    const stranger = await inspect('/counter', 'login');
    assert.equal(stranger.heading, 'Đăng nhập');
    const { context, page } = await signIn('cashier');
    await page.fill('#code', code);
    await page.keyboard.press('Enter');
    await page.waitForSelector('text=Người nộp hồ sơ');
    await page.fill('#copies', '2');
    await page.click('button:has-text("Tính lại")');
    assert.match(await page.textContent('.fee.total'), /200\.000 đồng/);
    await inspect(page.url().replace(world.url, ''), 'counter-quote', { context });
    const form = await page.evaluate(() => new URLSearchParams(new FormData(document.querySelector('form[action="/counter/requests"]'))).toString());
    await page.click('button.main:has-text("Lập yêu cầu nộp tiền")');
    await page.waitForSelector('.request .qr svg');
    await inspect(`/counter?code=${code}`, 'counter', { context });
    const cookie = (await context.cookies()).find((one) => one.name === 'lephi_session');
    assert.ok(cookie.httpOnly && cookie.sameSite === 'Strict');
    const again = await fetch(`${world.url}/counter/requests`, {
        method: 'POST', body: form, redirect: 'manual',
        headers: { 'content-type': 'application/x-www-form-urlencoded', cookie: `lephi_session=${cookie.value}`, 'sec-fetch-site': 'same-origin' },
    });
    assert.equal(again.status, 303);
    await page.reload();
    assert.equal(await page.locator('article.request').count(), 1);
    const foreign = await fetch(`${world.url}/counter/requests`, {
        method: 'POST', body: form.replace('seen=0', 'seen=1'), redirect: 'manual',
        headers: { 'content-type': 'application/x-www-form-urlencoded', cookie: `lephi_session=${cookie.value}`, 'sec-fetch-site': 'cross-site' },
    });
    assert.equal(foreign.status, 403);
    await page.click('text=Đăng xuất');
    assert.equal(await page.textContent('h1'), 'Đăng nhập');
    await context.close();
});

test('a wrong password is refused in words, and a cashier is not finance', async () => {
    const { context, page } = await visit('/counter', { script: false });
    await page.fill('#login', 'cashier');
    await page.fill('#password', 'not the password');
    await page.click('main button.main');
    assert.match(await page.title(), /^Lỗi: /);
    await context.close();
    const cashier = await signIn('cashier');
    const reply = await cashier.page.goto(`${world.url}/finance`);
    assert.equal(reply.status(), 403);
    await cashier.context.close();
});

test('finance sees the day: totals, unknown money, balances', async () => {
    const request = await makeRequest(world);
    await pay(world, request.vietqr.payload, { mischief: { mangle_memo: 'no_reference' } });
    const { context, page } = await signIn('finance');
    for (let i = 0; i < 50 && !/200\.000/.test(await page.textContent('section:has(#unallocated)')); i++) await page.reload();
    const text = await page.textContent('main');
    for (const one of ['Chuyển khoản VietQR', 'Tổng cộng', 'clearing:1014000000011', 'suspense:1014000000011', 'Tiền chưa rõ hồ sơ'])
        assert.ok(text.includes(one), one);
    await page.reload();
    assert.match(await page.textContent('section:has(#unallocated)'), /200\.000/);
    await inspect('/finance', 'finance', { context });
    const wrong = await page.goto(`${world.url}/finance?date=31/02/2026`);
    assert.equal(wrong.status(), 422);
    await context.close();
});

test('a claimed benefit is looked at or rejected at the desk, and rejecting asks for the difference', async () => {
    const request = await makeRequest(world, { channel: 'counter', categories: ['poor_household'] });
    const code = request.dossier;
    const { context, page } = await signIn('cashier');
    await page.goto(`${world.url}/counter?code=${code}`);
    assert.match(await page.textContent('article.request'), /Chờ xem giấy tờ/);
    await inspect(`/counter?code=${code}`, 'counter-benefit', { context });
    await page.click('summary:has-text("Xác nhận hoặc bác")');
    await page.fill('input[name=reason]:visible', 'giấy chứng nhận đã hết hạn');
    await page.click('button:has-text("Bác")');
    await page.waitForSelector('text=Đã bác');
    assert.equal(await page.locator('article.request').count(), 2);
    assert.match(await page.locator('article.request').first().textContent(), /200\.000 đồng/);
    await page.click('summary:has-text("Hình thức nộp hồ sơ")');
    await page.selectOption('#channel', 'online');
    await page.fill('#channel-reason', 'nộp trên Cổng tại máy của trung tâm');
    await page.click('button:has-text("Đề nghị đổi")');
    await page.click('summary:has-text("Hình thức nộp hồ sơ")');
    assert.match(await page.textContent('main'), /staff:cashier đề nghị đổi thành Trực tuyến toàn trình/);
    const own = await Promise.all([page.waitForNavigation(), page.click('button:has-text("Duyệt đổi")')]);
    assert.equal(own[0].status(), 403);
    await context.close();
});

test('a new price is proposed by finance, seen in words, simulated, and published by another person', async () => {
    const { context, page } = await signIn('finance');
    await page.goto(`${world.url}/finance/catalogue`);
    const link = await page.getAttribute('a:has-text("reductions.csv")', 'href');
    const cookie = (await context.cookies()).find((one) => one.name === 'lephi_session');
    const sheet = await (await fetch(world.url + link, { headers: { cookie: `lephi_session=${cookie.value}` } })).text();
    await page.fill('#sheet-reductions', `${sheet}TEST-ONLINE,Giảm một nửa khi nộp trực tuyến,Half online,relief,LLTP,,,online,,50%,all,,,2026-01-01,,payment,NQ 1/2026/NQ-HĐND,Điều 1,,,H,\n`);
    await page.fill('#note', 'Nghị quyết thử');
    await page.click('button:has-text("Kiểm tra và đề xuất")');
    await page.waitForSelector('#difference');
    assert.match(await page.textContent('ul.changes'), /LLTP.*200\.000 đ → 100\.000 đ/);
    assert.equal(await page.locator('button:has-text("Duyệt và công bố")').count(), 0);
    const day = new Date(Date.now() + 7 * 3600e3).toISOString().slice(0, 10);
    const version = new URL(page.url()).searchParams.get('version');
    await inspect(`/finance/catalogue?version=${version}&from=2026-01-01&to=${day}`, 'catalogue', { context });
    await page.fill('#sheet-fees', 'không phải bảng');
    await page.click('button:has-text("Kiểm tra và đề xuất")');
    assert.match(await page.textContent('[role=alert]'), /fees\.csv:1:/);
    await context.close();
    const other = await signIn('supervisor');
    await other.page.goto(`${world.url}/finance/catalogue?version=${version}`);
    await other.page.click('button:has-text("Duyệt và công bố")');
    await other.page.waitForSelector(`b:has-text("${version}")`);
    await other.context.close();
});

test('the API reference says what the machine description says', async () => {
    await inspect('/docs', 'docs');
    const description = await (await fetch(`${world.url}/openapi.json`)).json();
    assert.match(description.openapi, /^3\.1/);
    const { page, context } = await visit('/docs');
    const calls = Object.values(description.paths).reduce((sum, item) => sum + Object.keys(item).length, 0);
    assert.equal(await page.locator('article.call').count(), calls);
    // The table of routes and the description name the same calls, both ways.
    const routes = readFileSync(join(root, 'app', 'routes.c'), 'utf8');
    const served = [...routes.matchAll(/AT_\w+\("(\w+)", "(\/v1\/[^"]*)"/g)].map((one) => `${one[1]} ${one[2]}`).sort();
    const described = Object.entries(description.paths).flatMap(([where, item]) =>
        Object.keys(item).map((verb) => `${verb.toUpperCase()} ${where}`)).filter((one) => one.includes('/v1/')).sort();
    assert.deepEqual(described, served);
    await context.close();
});

test('static files are kept for ever under their own hash and no other', async () => {
    const front = await (await fetch(`${world.url}/`)).text();
    const style = /href="(\/static\/[^"]+style\.css)"/.exec(front)[1];
    assert.match((await fetch(world.url + style)).headers.get('cache-control'), /immutable/);
    const old = await fetch(`${world.url}/static/000000000000/style.css`);
    assert.equal(old.headers.get('cache-control'), 'no-cache');
    assert.equal((await fetch(`${world.url}/static/000000000000/secret.css`)).status, 404);
});

const behave = (terminal, next, more = {}) => fetch(`${world.sandbox}/terminal/behave`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ terminal, next, ...more }),
});
const counter = (request) => `/counter?code=${encodeURIComponent(request.dossier)}`;

const enter = (page) => Promise.all([page.waitForEvent('load'), page.keyboard.press('Enter')]);
const press = (page, what) => Promise.all([page.waitForEvent('load'), page.click(what)]);

// filed at the counter: a reduction for filing online, which an earlier test publishes, does not touch their price
const atCounter = { channel: 'counter' };

test('a shift at the counter, by keyboard and without scripts: card, cash, printed code, blind count, close', async () => {
    await api(world, 'PUT', '/v1/terminals/QUAY-3', { agency: 'QN-CAT', desk: 'Quầy 3', address: `${world.sandbox}/nexo` });
    await api(world, 'PUT', '/v1/static-codes/CATQUAY3', { agency: 'QN-CAT', place: 'Quầy 3' });
    const [byCard, byCash, byCode, unsure] = [await makeRequest(world, atCounter), await makeRequest(world, atCounter), await makeRequest(world, atCounter), await makeRequest(world, atCounter)];
    const context = await world.browser.newContext({ viewport: DESK, javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(`${world.url}${counter(byCard)}`);
    await page.fill('#login', 'cashier');
    await page.fill('#password', world.password);
    await enter(page);
    const seen = await world.browser.newContext({ viewport: DESK }); // axe needs scripts, the cashier does not
    await seen.addCookies(await context.cookies());
    await page.goto(`${world.url}${counter(byCard)}`);
    assert.match(await page.textContent('main'), /Mở ca thu ở đầu trang/);
    await page.click('summary:has-text("Mở ca")');
    await page.selectOption('#agency', 'QN-CAT');
    await page.fill('#desk', 'Quầy 3');
    await page.fill('#float', '500.000');
    await enter(page);
    assert.match(await page.textContent('main'), /Ca số \d+, Quầy 3, .*tiền đầu ca 500\.000 đồng/);

    // found by the code on the notice, not only by the dossier
    await page.fill('#code', byCard.reference.toLowerCase());
    await enter(page);
    await inspect(page.url().replace(world.url, ''), 'counter-ways', { context: seen });
    await press(page, 'button:has-text("Thu 200.000 đồng bằng thẻ")');
    await waitFor(world, byCard.id, 'paid');
    await page.goto(`${world.url}${counter(byCard)}`); // the terminal's own answer is written a moment after the booking
    for (let i = 0; i < 50 && !/Thẻ đã thanh toán/.test(await page.textContent('article.request')); i++) await page.reload();
    assert.match(await page.textContent('article.request'), /Máy QUAY-3, 200\.000 đồng:.*Thẻ đã thanh toán/s);

    await page.goto(`${world.url}${counter(byCash)}`);
    await page.fill(`#tendered-${byCash.id}`, '100.000');
    await enter(page);
    assert.match(await page.textContent('[role=alert]'), /chưa có gì được ghi/);
    await page.fill(`#tendered-${byCash.id}`, '500 000');
    await enter(page);
    assert.match(await page.textContent('article.request'), /khách đưa 500\.000 đồng, thối lại 300\.000 đồng/);
    await inspect(counter(byCash), 'counter-cash', { context: seen });

    await fetch(`${world.sandbox}/bank/pay`, {
        method: 'POST', headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ account: byCode.vietqr.account, amount: byCode.amount, memo: 'CATQUAY3', from_name: 'NGUYEN VAN A', from_account: '0071' }),
    });
    const transfers = await (await fetch(`${world.sandbox}/bank/transactions?account=${byCode.vietqr.account}`)).json();
    const reference = (transfers.items ?? transfers.transactions ?? transfers).findLast((one) => /CATQUAY3/.test(one.memo)).bank_reference;
    await new Promise((resolve) => setTimeout(resolve, 700));
    await page.goto(`${world.url}${counter(byCode)}`);
    await page.click('summary:has-text("mã in ở quầy")');
    await page.fill(`#bank-${byCode.id}`, reference);
    await enter(page);
    await waitFor(world, byCode.id, 'paid');

    await behave('QUAY-3', 'mute', { delay_ms: 4000 });
    await page.goto(`${world.url}${counter(unsure)}`);
    await press(page, 'button:has-text("bằng thẻ")');
    for (let i = 0; i < 100; i++) {
        const now = await api(world, 'GET', `/v1/payment-requests/${unsure.id}/pos-payments/1`);
        if (now.status === 'unknown') break;
        await page.waitForTimeout(100);
    }
    await page.goto(`${world.url}${counter(unsure)}`);
    assert.match(await page.textContent('article.request'), /Chưa rõ thẻ đã bị trừ tiền hay chưa\. Đừng quẹt lại/);
    assert.equal(await page.locator('button:has-text("tiền mặt")').count(), 0, 'no second way while one is not known');
    await inspect(counter(unsure), 'counter-unknown', { context: seen });

    await page.goto(`${world.url}/counter`);
    assert.equal(/Phải có/.test(await page.textContent('main')), false, 'the count is blind');
    await page.click('summary:has-text("Đếm tiền")');
    await page.fill('#cash', '700.000');
    await enter(page);
    assert.match(await page.textContent('main'), /Chênh lệch0 đồng/);
    await press(page, 'button:has-text("Đóng ca")');
    const held = await page.locator('[role=alert]').count();
    if (held) assert.match(await page.textContent('[role=alert]'), new RegExp(`hồ sơ ${unsure.dossier} còn một giao dịch thẻ`));
    await waitFor(world, unsure.id, 'paid');
    if (held) {
        await page.goto(`${world.url}/counter`);
        await press(page, 'button:has-text("Đóng ca")');
    }
    assert.match(await page.textContent('h1'), /Báo cáo ca số \d+/);
    await inspect(page.url().replace(world.url, ''), 'shift-report', { context: seen });
    const row = await page.textContent('table');
    for (const one of [byCard, byCash, byCode, unsure]) assert.ok(row.includes(one.dossier), one.dossier);
    await page.click('text=Đăng xuất');
    await seen.close();
    await context.close();
});

test('a shift that does not add up waits for a supervisor, and acts from another site are refused', async () => {
    const { context, page } = await signIn('cashier');
    await page.click('summary:has-text("Mở ca")');
    await page.fill('#desk', 'Quầy 4');
    await page.fill('#float', '100000');
    await enter(page);
    await page.waitForSelector('summary:has-text("Đếm tiền")');
    await page.click('summary:has-text("Đếm tiền")');
    await page.fill('#cash', '90000');
    await enter(page);
    await page.waitForSelector('text=thiếu 10.000 đồng');
    assert.equal(await page.locator('button:has-text("Đóng ca")').count(), 0);
    const cookie = (await context.cookies()).find((one) => one.name === 'lephi_session');
    const foreign = await fetch(`${world.url}/counter/shift`, {
        method: 'POST', body: 'act=close&shift=1', redirect: 'manual',
        headers: { 'content-type': 'application/x-www-form-urlencoded', cookie: `lephi_session=${cookie.value}`, 'sec-fetch-site': 'cross-site' },
    });
    assert.equal(foreign.status, 403);
    await context.close();
    const boss = await signIn('supervisor');
    await boss.page.click('summary:has-text("chờ đóng")');
    await inspect('/counter', 'counter-release', { context: boss.context });
    await boss.page.fill('input[id^="release-"]', 'Thối nhầm, đã lập biên bản');
    await enter(boss.page);
    await boss.page.waitForSelector('h1:has-text("Báo cáo ca")');
    assert.match(await boss.page.textContent('main'), /supervisor duyệt đóng: Thối nhầm/);
    await boss.context.close();
});
