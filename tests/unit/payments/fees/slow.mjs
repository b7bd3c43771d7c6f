// The formulas of the catalogue once more, slowly and in another language: exact fractions in BigInt, the sheets read
// by itself. Written from the grammar in payments/catalogue/README.md and the law it quotes, not from the C.
// node slow.mjs CATALOGUE_FOLDER REQUESTS  →  one line per request: total|valid_until|fee=gross,net,chosen,lost+lost …
import fs from "node:fs";

const [folder, requests] = process.argv.slice(2);
const MONEY_MAX = 2n ** 53n - 1n;
class Refused extends Error {}
const refuse = () => { throw new Refused(); };

function rows(name) {
    const text = fs.readFileSync(`${folder}/${name}`, "utf8").replace(/^\uFEFF/, "");
    const table = [[""]];
    let quoted = false;
    for (let i = 0; i < text.length; i++) {
        const row = table.at(-1), c = text[i];
        if (quoted) {
            if (c !== '"') row[row.length - 1] += c;
            else if (text[i + 1] === '"') { row[row.length - 1] += '"'; i++; }
            else quoted = false;
        } else if (c === '"') quoted = true;
        else if (c === ",") row.push("");
        else if (c === "\n") table.push([""]);
        else if (c !== "\r") row[row.length - 1] += c;
    }
    const [head, ...body] = table.filter((row) => row.length > 1);
    return body.map((row) => Object.fromEntries(head.map((h, i) => [h, row[i].trim() === "unset" ? "" : row[i].trim()])));
}

const fees = rows("fees.csv"), reductions = rows("reductions.csv"), procedures = rows("procedures.csv");
const values = rows("values.csv"), known = new Set(rows("categories.csv").map((c) => c.code));
const words = (text) => text.split(" ").filter(Boolean);
const within = (day, row) => (!row.valid_from || day >= row.valid_from) && (!row.valid_to || day <= row.valid_to);
const plus = (day, days) => new Date(Date.parse(day) + days * 86400000).toISOString().slice(0, 10);

function number(text) {
    const [, digits, zeros] = /^(\d+)(?:e(\d+))?$/.exec(text.trim());
    return BigInt(digits) * 10n ** BigInt(zeros ?? 0);
}
// a share as numerator over 10^9
function share(text) {
    const [, whole, part = ""] = /^(\d+)(?:\.(\d+))?%$/.exec(text.trim());
    return BigInt(whole + part.padEnd(7, "0"));
}
function round(top, bottom, policy) {
    const step = policy.startsWith("thousand") ? 1000n : 1n;
    bottom *= step;
    let whole = top / bottom;
    const rest = top % bottom;
    if (policy.endsWith("half_up") && rest * 2n >= bottom) whole++;
    if (policy.endsWith("_up") && !policy.endsWith("half_up") && rest > 0n) whole++;
    return whole * step;
}
const limited = (amount) => (amount > MONEY_MAX ? refuse() : amount);

function parse(text) {
    const [, kind, inside] = /^(\w+)\((.*)\)$/s.exec(text);
    const f = { kind, places: [], cases: [], given: {} };
    for (const item of inside.split(";").map((s) => s.trim()).filter(Boolean)) {
        if (item.includes(":")) f.cases.push(item.split(":").map((s) => s.trim()));
        else if (item.includes("=")) { const at = item.indexOf("="); f.given[item.slice(0, at).trim()] = item.slice(at + 1).trim(); }
        else f.places.push(item);
    }
    return f;
}
const priceOf = (text) => {
    const price = { fixed: 0n, share: 0n };
    for (const part of text.split("+")) part.includes("%") ? (price.share = share(part)) : (price.fixed = number(part));
    return price;
};
const compare = { "<": (a, b) => a < b, "<=": (a, b) => a <= b, "=": (a, b) => a === b, ">=": (a, b) => a >= b, ">": (a, b) => a > b };

// "yes", "no" or "missing"
function holds(text, request, given) {
    const q = request.quantities ?? {};
    let answer = "yes";
    for (const one of text.split("&").map((s) => s.trim()).filter(Boolean)) {
        const [, name, order, right] = /^(\w+)\s*(<=|>=|<|>|=)\s*(.*)$/.exec(one);
        const list = right.split("|").map((s) => s.trim());
        let word;
        if (name === "channel") word = request.channel;
        else if (name === "area") word = q.area_class ?? given.area_default;
        else if (name === "role") word = q.role ?? given.role_default;
        else if (name === "legacy") word = q.legacy_area ?? q.area_class;
        else {
            if (q[name] === undefined) answer = "missing";
            else if (!compare[order](BigInt(q[name]), number(right))) return "no";
            continue;
        }
        if (word === undefined) answer = "missing";
        else if (!list.includes(word)) return "no";
    }
    return answer;
}

function evaluate(fee, request, day, used, depth = 0) {
    const f = parse(fee.formula), q = request.quantities ?? {}, g = f.given, policy = fee.rounding || "dong_half_up";
    const need = (name) => (q[name] === undefined ? refuse() : BigInt(q[name]));
    const clamp = (x) => {
        const min = g.min ? number(g.min) : 0n, max = g.max ?? g.cap ? number(g.max ?? g.cap) : null;
        return x < min ? min : max !== null && x > max ? max : x;
    };
    const count = (per) => (!per ? 1n : q[per] !== undefined ? BigInt(q[per]) : g.per_default ? number(g.per_default) : refuse());
    const times = (each, per, next = each) => {
        const n = count(per);
        return { gross: limited(n === 0n ? 0n : each + (n - 1n) * next), each, n };
    };
    const single = (gross) => ({ gross: limited(gross), each: gross, n: 1n });
    const part = (price, base) => limited(clamp(price.fixed + limited(round(price.share * base, 10n ** 9n, policy))));
    switch (f.kind) {
    case "fixed": return single(number(f.places[0]));
    case "unit": return times(number(f.places[0]), g.per ?? "copies", g.next ? number(g.next) : undefined);
    case "page": {
        const pages = need("pages");
        let each = 0n;
        for (const [range, price] of f.cases) {
            const [from, to] = range.split("-").map((s) => s.trim());
            const last = to && number(to) < pages ? number(to) : pages;
            if (last >= number(from)) each += (last - number(from) + 1n) * number(price);
        }
        each = clamp(each);
        return { gross: limited(each * BigInt(q.copies ?? 1)), each, n: BigInt(q.copies ?? 1) };
    }
    case "extra": {
        const n = BigInt(q[g.per ?? "copies"] ?? 1), beyond = n > number(g.included) ? n - number(g.included) : 0n;
        return { gross: limited(number(g.base) + beyond * number(g.each)), each: number(g.base), n };
    }
    case "channel": {
        const printed = Object.fromEntries(f.cases), own = printed[request.channel];
        return { ...times(number(own ?? printed.counter), g.per), printed: own !== undefined && request.channel !== "counter" };
    }
    case "bracket": case "marginal": {
        const value = need(g.by ?? "value");
        let at = f.cases.findIndex(([left]) => { const [, o, b] = /^(<=|<|>=|>)\s*(.*)$/.exec(left); return compare[o](value, number(b)); });
        if (at < 0) at = g.gap === "lower" ? f.cases.length - 2 : g.gap === "upper" ? f.cases.length - 1 : refuse();
        const bound = (i) => number(f.cases[i][0].replace(/^[<>=]+/, ""));
        const price = priceOf(f.cases[at][1]), below = at === 0 ? 0n : bound(at - 1);
        const above = price.fixed && price.share;
        return single(part(price, above ? (value > below ? value - below : 0n) : value));
    }
    case "percent": return single(part({ fixed: 0n, share: share(f.places[0]) }, need(g.by ?? "value")));
    case "interp": {
        const value = need(g.by ?? "value"), multipliers = Object.keys(g).filter((k) => k.startsWith("times."));
        if (q.role && multipliers.length && !g[`times.${q.role}`]) refuse();
        const factor = q.role && multipliers.length ? share(g[`times.${q.role}`]) : 10n ** 9n;
        const points = f.cases.map(([b, r]) => [number(b), share(r)]);
        let top, bottom = 1n;
        const after = points.findIndex(([b]) => value <= b);
        if (after === 0) top = points[0][1];
        else if (after < 0) top = points.at(-1)[1];
        else {
            // N = Nb − (Nb − Na)·(G − Gb)/(Ga − Gb): b the point below, a the point above (TT 28/2023/TT-BTC Điều 4)
            const [gb, nb] = points[after - 1], [ga, na] = points[after];
            top = nb * (ga - gb) - (nb - na) * (value - gb);
            bottom = ga - gb;
        }
        return single(clamp(limited(round(top * value * factor, bottom * 10n ** 18n, policy))));
    }
    case "percent_of": {
        const other = version(f.places[0], () => day);
        if (!other || depth >= 3) refuse();
        used.push([fee, other.valid_to]);
        return single(round(evaluate(other, request, day, used, depth + 1).gross * share(f.places[1]), 10n ** 9n, policy));
    }
    case "matrix":
        for (const [when, what] of f.cases) {
            if (when !== "else" && holds(when, request, g) !== "yes") continue;
            const price = priceOf(what);
            const each = part(price, price.share ? need(g.by ?? "value") : 0n);
            return { ...times(each, g.per), printed: /\bchannel\b/.test(when) };
        }
        return refuse();
    case "foreign": {
        const row = values.find((v) => v.name === `rate.${f.places[0]}` && within(day, v));
        const rate = q.exchange_rate ?? row?.value ?? refuse();
        const tenThousandths = (text, places) => { const [w, p = ""] = text.split("."); return BigInt(w + p.padEnd(places, "0")); };
        return times(round(tenThousandths(f.places[1], 2) * tenThousandths(rate, 4), 1000000n, policy), g.per);
    }
    default: return refuse();
    }
}

function version(code, dayOf) {
    const own = fees.filter((row) => row.code === code).sort((a, b) => (a.valid_from < b.valid_from ? -1 : 1));
    if (!own.length) refuse();
    return own.reverse().find((row) => within(dayOf(row), row));
}

function reduce(fee, request, result, dayOf, until, procedure) {
    const found = [], q = request.quantities ?? {}, policy = fee.rounding || "dong_half_up";
    for (const rule of reductions) {
        if (result.gross === 0n || !words(rule.fees).includes(fee.code)) continue;
        const classes = words(rule.categories);
        if (classes.length && !classes.some((c) => request.beneficiary_categories.includes(c))) continue;
        if (rule.condition && holds(rule.condition, request, parse(fee.formula).given) !== "yes") continue;
        const day = dayOf(rule), channels = words(rule.channels), here = !channels.length || channels.includes(request.channel);
        if (here && rule.valid_from && day < rule.valid_from) until(rule, plus(rule.valid_from, -1));
        if (!within(day, rule)) continue;
        const base = rule.scope === "from_second" ? (result.n > 1n ? result.gross - result.each : 0n) : result.gross;
        let amount = 0n, state = "applied";
        if (rule.rate && base > 0n) {
            const left = round(base * (10n ** 9n - share(rule.rate)), 10n ** 9n, policy);
            amount = left < base ? base - left : 0n;
        }
        if (!here) state = "no";
        else if (rule.procedures && !(procedure && words(rule.procedures).includes(procedure.code))) state = "no";
        else if (!rule.rate) state = "no";
        else if (rule.kind === "channel_share" && result.printed) state = "no";
        else {
            let cap = null;
            if (rule.yearly_cap) {
                const [times, name] = rule.yearly_cap.split("*").map((s) => s.trim());
                const value = name ? values.find((v) => v.name === name && within(day, v)) : { value: "1" };
                if (!value?.value) state = "no";
                else { cap = number(times) * number(value.value); if (value.valid_to) until(rule, value.valid_to); }
            }
            if (state === "applied" && rule.times_per_year) {
                if (q.relief_times === undefined) refuse();
                if (BigInt(q.relief_times) >= number(rule.times_per_year)) state = "no";
            }
            if (state === "applied" && cap !== null) {
                if (q.relief_used === undefined) refuse();
                const left = cap - BigInt(q.relief_used);
                if (left <= 0n) state = "no";
                else if (amount > left) amount = left;
            }
        }
        if (state === "applied" && amount === 0n) continue;
        found.push({ rule, state, amount });
    }
    const able = found.filter((one) => one.state === "applied");
    const best = able.reduce((a, b) => (a === null || b.amount > a.amount ? b : a), null);
    return { best, lost: found.filter((one) => one !== best).map((one) => one.rule.name_vi) };
}

function quote({ today, ...request }) {
    const filed = request.filed_on ?? request.paid_on ?? today, paid = request.paid_on ?? request.filed_on ?? today;
    const dayOf = (row) => (row.decided_by === "filing" ? filed : paid);
    let end = plus(today, 14), total = 0n;
    const until = (rule, last) => {
        if (last && !(rule.decided_by === "filing" && request.filed_on) && last < end) end = last;
    };
    request.beneficiary_categories ??= [];
    if (request.beneficiary_categories.some((c) => !known.has(c))) refuse();
    const procedure = request.procedure ? procedures.find((p) => p.code === request.procedure) ?? refuse() : null;
    const usual = procedure ? words(procedure.fees) : [];
    const codes = request.fees ?? usual;
    if (procedure && !request.fees && !usual.length && words(procedure.optional_fees).length) refuse();
    if (procedure && request.fees?.some((c) => !usual.includes(c) && !words(procedure.optional_fees).includes(c))) refuse();
    const lines = codes.map((code) => {
        const fee = version(code, dayOf) ?? refuse(), used = [];
        const result = evaluate(fee, request, dayOf(fee), used);
        until(fee, fee.valid_to);
        for (const [rule, last] of used) until(rule, last);
        const { best, lost } = reduce(fee, request, result, dayOf, until, procedure);
        if (best) until(best.rule, best.rule.valid_to);
        const net = result.gross - (best ? best.amount : 0n);
        total = limited(total + net);
        return `${code}=${result.gross},${net},${best ? best.rule.name_vi : ""},${lost.join("+")}`;
    });
    return `${total}|${end}|${lines.join(" ")}`;
}

const out = [];
for (const line of fs.readFileSync(requests, "utf8").split("\n").filter(Boolean)) {
    try { out.push(quote(JSON.parse(line))); }
    catch (error) { if (!(error instanceof Refused)) throw error; out.push("refused"); }
}
process.stdout.write(out.join("\n") + "\n");
