// What the browser tests work with: a running service, its sandbox, its database, a browser.
//
// LEPHI_URL, LEPHI_SANDBOX_URL and LEPHI_KEY name a running service (LEPHI_PASSWORD: the demo logins'). Without them
// one is started on free ports from TEST_BINARY and TEST_SANDBOX (build/lephi, build/lephi-sandbox) on DATABASE_URL.
import { spawn, execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync, rmSync, mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
export const screens = join(root, 'build', 'screens');
export const COLLECTOR = '5799000011';
const ACCOUNT = { number: '1014000000011', name: 'CONG AN TINH QUANG NINH', bin: '970436' };

const freePort = () => new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
        const { port } = server.address();
        server.close(() => resolve(port));
    });
});

const started = (child, words) => new Promise((resolve, reject) => {
    let told = '';
    const hear = (bytes) => {
        told += bytes;
        if (told.includes(words)) resolve(told);
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('exit', (code) => reject(new Error(`ended with ${code}: ${told}`)));
});

async function startOwn() {
    const folder = mkdtempSync(join(tmpdir(), 'lephi-browser-'));
    const binary = process.env.TEST_BINARY ?? join(root, 'build', 'lephi');
    const sandboxBinary = process.env.TEST_SANDBOX ?? join(root, 'build', 'lephi-sandbox');
    const port = await freePort();
    const secret = join(folder, 'browser-sandbox-secret');
    writeFileSync(secret, randomBytes(24).toString('hex'));
    const url = `http://127.0.0.1:${port}`;
    const sandbox = spawn(sandboxBinary, ['--port', '0', '--data', join(folder, 'sandbox'), '--secret-file', secret,
        '--retry-base-ms', '50', '--webhook', `${url}/v1/notifications/sandbox-bank`,
        '--notifications', `${url}/v1/notifications`,
        '--account', `${ACCOUNT.number}:${ACCOUNT.name}:${ACCOUNT.bin}`]);
    const sandboxPort = /listening on (\d+)/.exec(await started(sandbox, 'listening on'))[1];
    execFileSync('bash', [join(root, 'app/run/secrets.sh'), join(root, 'app/demo/agencies.csv')],
        { env: { ...process.env, RUN_DIR: folder }, stdio: ['ignore', 'ignore', 'pipe'] });
    const conf = join(folder, 'lephi.conf');
    writeFileSync(conf, `[http]\nport = ${port}\npublic_url = ${url}\n[server]\nsecret = ${randomBytes(32).toString('hex')}\n`
        + `[paths]\ndata = ${folder}\n[sandbox-bank]\nsecret_file = ${secret}\nbase_url = http://127.0.0.1:${sandboxPort}\n`
        + `[receipts]\ntrust_file = ${folder}/pki/ca.pem\n`
        + `[momo]\npartner_code = SANDBOX\naccess_key = sandbox\nsecret_key_file = ${secret}\nbase_url = http://127.0.0.1:${sandboxPort}/momo\n`
        + `[zalopay]\napp_id = 2553\nkey1_file = ${secret}\nkey2_file = ${secret}\nbase_url = http://127.0.0.1:${sandboxPort}/zalopay\n`
        + `[vnpay]\ntmn_code = SANDBOX1\nhash_secret_file = ${secret}\nbase_url = http://127.0.0.1:${sandboxPort}/vnpay\n`
        + `[dvcqg]\npartner_code = SANDBOX\nsecret_file = ${secret}\nbase_url = http://127.0.0.1:${sandboxPort}/dvcqg\n`
        + `[receipts.${COLLECTOR}]\nkey_file = ${folder}/pki/${COLLECTOR}.key\ncert_file = ${folder}/pki/${COLLECTOR}.pem\n[policy]\ncash = yes\n[terminals]\nanswer_timeout_s = 5\nask_after_s = 1\n`);
    const lephi = (args, input) => execFileSync(binary, ['--config', conf, ...args], { input: input ?? '', encoding: 'utf8' });
    lephi(['migrate']);
    lephi(['province', 'import', join(root, 'app', 'demo')]);
    const password = 'browser-test-1';
    for (const role of ['cashier', 'finance', 'supervisor']) lephi(['staff', 'add', role, `Test ${role}`, role], `${password}\n`);
    const key = lephi(['key', 'add', 'browser-test', 'all']).trim();
    const service = spawn(binary, ['--config', conf, 'serve']);
    await started(service, 'listening on');
    let complaints = '';
    service.stderr.on('data', (bytes) => { complaints = (complaints + bytes).slice(-4000); });
    const stop = async () => {
        for (const child of [service, sandbox]) {
            child.removeAllListeners('exit');
            const gone = new Promise((resolve) => child.on('exit', resolve));
            child.kill('SIGTERM');
            const code = await gone;
            if (child === service && code !== 0) throw new Error(`the service ended with ${code}: ${complaints}`);
        }
        rmSync(folder, { recursive: true, force: true });
    };
    return { url, sandbox: `http://127.0.0.1:${sandboxPort}`, key, password, stop };
}

export async function openWorld() {
    mkdirSync(screens, { recursive: true });
    const env = process.env;
    const world = env.LEPHI_URL
        ? { url: env.LEPHI_URL, sandbox: env.LEPHI_SANDBOX_URL, key: env.LEPHI_KEY, password: env.LEPHI_PASSWORD, stop: async () => {} }
        : await startOwn();
    const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--headless', '--no-sandbox'] });
    return { ...world, browser, close: async () => { await browser.close(); await world.stop(); } };
}

async function call(url, options, expected) {
    const reply = await fetch(url, options);
    const text = await reply.text();
    if (![expected].flat().includes(reply.status)) throw new Error(`${options.method ?? 'GET'} ${url} answered ${reply.status}: ${text}`);
    return text ? JSON.parse(text) : null;
}

export const api = (world, method, path, body, expected = 200) => call(world.url + path, {
    method,
    headers: { authorization: `Bearer ${world.key}`, ...(body && { 'content-type': 'application/json' }) },
    body: body && JSON.stringify(body),
}, expected);

export const pay = (world, payload, more = {}) => call(`${world.sandbox}/bank/pay`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ payload, from_name: 'NGUYEN THI ANH TUYET', from_account: '0071000123456', ...more }),
}, [200, 201]);

// Straight into the database, for states that only time or two people bring about.
export const sql = (statement) => execFileSync('psql', ['-qAt', '-v', 'ON_ERROR_STOP=1', '-c', statement, process.env.DATABASE_URL],
    { encoding: 'utf8' }).trim();

let number = 0;
export async function fileDossier(world, { procedure = '3.000333', agency = 'QN-CAT', channel = 'online' } = {}) {
    number += 1;
    const code = `H49.TEST-${randomBytes(4).toString('hex')}-${number}`;
    await api(world, 'PUT', `/v1/dossiers/${code}`, {
        procedure, agency, channel, state: 'filed', submitted_at: new Date().toISOString(),
        applicant: { name: 'Nguyễn Thị Ánh Tuyết', phone: '0912345678' },
    }, 201);
    return code;
}

export async function makeRequest(world, { categories, ...dossier } = {}) {
    const code = await fileDossier(world, dossier);
    return api(world, 'POST', '/v1/payment-requests', {
        dossier: code, procedure: dossier.procedure ?? '3.000333', channel: dossier.channel ?? 'online', quantities: { copies: 2 },
        ...(categories && { beneficiary_categories: categories }),
    }, 201);
}

export async function waitFor(world, id, status) {
    for (let i = 0; i < 200; i++) {
        const now = await api(world, 'GET', `/v1/payment-requests/${id}`);
        if (now.status === status) return now;
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`request ${id} never became ${status}`);
}
