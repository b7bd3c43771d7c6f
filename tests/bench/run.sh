#!/bin/bash
# Every bench in one run, one after the other, on a private PostgreSQL with real fsync. Each bench prints a table on
# standard error and one JSON object on standard output; together they become build/bench.json.
#
#   run.sh [WORD…]      only benches whose path contains one of the words
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cd "$root" || exit 1
export RUN_DIR=$root/build/bench-run
postgres=$root/app/run/postgres.sh
pattern=$(printf '%s|' "$@")
out=build/bench
mkdir -p "$out"
rm -f "$out"/*.json

bash "$postgres" start || exit 1
trap 'bash "$postgres" stop' EXIT
psql() { bash "$postgres" psql -q -v ON_ERROR_STOP=1 "$@"; }
psql -c 'DROP DATABASE IF EXISTS template_lephi' -c 'CREATE DATABASE template_lephi' || exit 1
DATABASE_URL=$(bash "$postgres" url template_lephi) build/lephi migrate >/dev/null || exit 1

failed=0
for path in $(find tests/bench -name '*_bench.c' | sort | grep -E "${pattern%|}"); do
    name=$(basename "$path" .c)
    echo "== $name" >&2
    psql -c 'DROP DATABASE IF EXISTS bench WITH (FORCE)' -c 'CREATE DATABASE bench TEMPLATE template_lephi' || exit 1
    program=build/${path%.c}
    DATABASE_URL=$(bash "$postgres" url bench) "$program" >"$out/$name.out" || failed=1
    if jq -e . "$out/$name.out" >/dev/null 2>&1; then mv "$out/$name.out" "$out/$name.json"; else cat "$out/$name.out"; fi
done
psql -c 'DROP DATABASE IF EXISTS bench WITH (FORCE)' -c 'CREATE DATABASE bench TEMPLATE template_lephi' || exit 1
echo "== service" >&2
DATABASE_URL=$(bash "$postgres" url bench) bash tests/bench/service.sh >"$out/service.json" || failed=1
echo "== npm peers" >&2
openssl genrsa -out "$out/peer.key" 2048 2>/dev/null
node tests/bench/peers.mjs "$(find tests/fuzz/corpus/receipt_verify -type f | sort | head -n 1)" "$out/peer.key" >"$out/peers.json" || failed=1
jq -n --arg commit "$(git describe --always --dirty)" --arg machine "$(uname -srm), $(nproc) cores" \
    '{commit: $commit, machine: $machine, benches: [inputs | {(input_filename | split("/")[-1] | rtrimstr(".json")): .}] | add}' \
    "$out"/*.json >build/bench.json 2>/dev/null || echo '{}' >build/bench.json
# What is asked, beside what was measured in this run. A bench is no test: a goal that was missed is shown, not failed.
jq -r '.benches as $b | def row($name; $ours; $than; $goal; $met): [$name, ($ours | tostring), $than, $goal, (if $met then "yes" else "NO" end)];
    def two: . * 100 | round / 100;
    def ratio($ours; $theirs): $ours / $theirs | two;
    (["figure", "ours", "beside", "goal", "met"],
     row("quote over HTTP, asked before, CPU µs"; $b.service.quote_cpu_us; "bare libmicrohttpd, GET \($b.service.bare_get_cpu_us): × \(ratio($b.service.quote_cpu_us; $b.service.bare_get_cpu_us)), POST of the same bytes: × \(ratio($b.service.quote_cpu_us; $b.service.bare_post_cpu_us))"; "≤ 1.25 × both"; $b.service.quote_cpu_us <= 1.25 * $b.service.bare_get_cpu_us and $b.service.quote_cpu_us <= 1.25 * $b.service.bare_post_cpu_us),
     row("  \($b.service.quote_day_procedures) procedures, as a counter asks"; $b.service.quote_day_cpu_us; "bare, the same requests, replies as long: × \(ratio($b.service.quote_day_cpu_us; $b.service.bare_post_day_cpu_us))"; "≤ 1.25 ×"; $b.service.quote_day_cpu_us <= 1.25 * $b.service.bare_post_day_cpu_us),
     row("  days of a province, 4,000 quotes each"; $b.service.quote_province_cpu_us; "bare, the same requests, replies of one length: × \(ratio($b.service.quote_province_cpu_us; $b.service.bare_post_province_cpu_us)); \($b.service.quote_province_procedures) procedures"; "≤ 1.25 ×"; $b.service.quote_province_cpu_us <= 1.25 * $b.service.bare_post_province_cpu_us),
     row("  never asked before"; $b.service.quote_new_cpu_us; "bare, the same requests: × \(ratio($b.service.quote_new_cpu_us; $b.service.bare_post_new_cpu_us))"; "≤ 1.25 ×"; $b.service.quote_new_cpu_us <= 1.25 * $b.service.bare_post_new_cpu_us),
     row("  beside fastify with schemas"; $b.service.quote_cpu_us; "\($b.service.fastify_cpu_us): × \(ratio($b.service.quote_cpu_us; $b.service.fastify_cpu_us))"; "≤ 0.5 ×"; $b.service.quote_cpu_us <= 0.5 * $b.service.fastify_cpu_us),
     ($b.service.lockstep[] | row("\(.connections) connections in lock-step, p99 ms"; .p99_ms; "bare libmicrohttpd \(.bare_p99_ms): × \(ratio(.p99_ms; .bare_p99_ms)); worst of \(.rounds) rounds \(.worst_ms) ms"; "no stall: ≤ 3 ×"; .p99_ms <= 3 * .bare_p99_ms)),
     row("JSON reply of a quote, CPU µs"; $b.http_bench.quote_cpu_us; "bare libmicrohttpd: × \($b.http_bench.quote_ratio)"; "≤ 1.5 ×"; $b.http_bench.quote_ratio <= 1.5),
     row("service idle, KiB"; $b.service.idle_kb; "limit"; "< 20480"; $b.service.idle_kb < 20480),
     row("10,000 idle connections, KiB"; $b.http_bench.idle_kb; "limit"; "≤ 102400"; $b.http_bench.idle_kb <= 102400),
     row("quotes of 5 lines per CPU second"; $b.fees_bench.quotes_per_s; "limit"; "≥ 1000000"; $b.fees_bench.quotes_per_s >= 1000000),
     row("postage quotes of 3 lines per CPU second"; $b.postal_bench.quotes_per_s; "\($b.postal_bench.searches_per_s) addresses understood per s"; "≥ 1000000"; $b.postal_bench.quotes_per_s >= 1000000),
     row("a year replayed under a draft, ms"; $b.simulate_bench.run_ms; "\($b.simulate_bench.quotes) quotes, each priced twice"; "seconds: < 30000"; $b.simulate_bench.run_ms < 30000),
     row("VietQR payload written and read per s"; $b.qr_bench.payload_per_s; "vietnam-qr-pay \($b.peers.payload_per_s): × \($b.qr_bench.payload_per_s / $b.peers.payload_per_s | two)"; "≥ 5 ×"; $b.qr_bench.payload_per_s >= 5 * $b.peers.payload_per_s),
     row("QR as SVG per s"; $b.qr_bench.svg_per_s; "npm qrcode \($b.peers.svg_per_s): × \($b.qr_bench.svg_per_s / $b.peers.svg_per_s | two); libqrencode alone \($b.qr_bench.libqrencode_per_s)"; "≥ 2 ×"; $b.qr_bench.svg_per_s >= 2 * $b.peers.svg_per_s),
     row("QR as PNG per s"; $b.qr_bench.png_per_s; "npm qrcode \($b.peers.png_per_s): × \($b.qr_bench.png_per_s / $b.peers.png_per_s | two)"; "≥ 20 ×"; $b.qr_bench.png_per_s >= 20 * $b.peers.png_per_s),
     row("receipt signed, RSA-2048, per s"; $b.receipts_bench.rsa_sign_per_s; "bare EVP × \($b.receipts_bench.rsa_sign_to_bare); xmlsec1 library × \($b.receipts_bench.rsa_sign_to_xmlsec); xml-crypto × \($b.receipts_bench.rsa_sign_per_s / $b.peers.rsa_sign_per_s | two)"; "≥ 0.75, 1.4, 8 ×"; $b.receipts_bench.rsa_sign_to_bare >= 0.75 and $b.receipts_bench.rsa_sign_to_xmlsec >= 1.4 and $b.receipts_bench.rsa_sign_per_s >= 8 * $b.peers.rsa_sign_per_s),
     row("receipt signed, P-256, per s"; $b.receipts_bench.p256_sign_per_s; "xmlsec1 library × \($b.receipts_bench.p256_sign_to_xmlsec)"; "≥ 3 ×"; $b.receipts_bench.p256_sign_to_xmlsec >= 3),
     row("receipt signed on a token, RSA, per s"; $b.receipts_token_bench.rsa_sign_per_s; "raw C_Sign × \($b.receipts_token_bench.rsa_ratio)"; "≥ 0.9 ×"; $b.receipts_token_bench.rsa_ratio >= 0.9),
     row("receipt signed on a token, P-256, per s"; $b.receipts_token_bench.p256_sign_per_s; "raw C_Sign × \($b.receipts_token_bench.p256_ratio)"; "≥ 0.9 ×"; $b.receipts_token_bench.p256_ratio >= 0.9),
     row("receipt as PDF per s"; $b.receipts_bench.pdf_per_s; "\($b.receipts_bench.pdf_bytes) bytes; pdfkit × \($b.receipts_bench.pdf_per_s / $b.peers.pdf_per_s | two)"; "≥ 80, ≤ 60000 bytes, ≥ 4 ×"; $b.receipts_bench.pdf_per_s >= 80 and $b.receipts_bench.pdf_bytes <= 60000 and $b.receipts_bench.pdf_per_s >= 4 * $b.peers.pdf_per_s),
     row("backlog of \($b.receipts_backlog_bench.backlog) receipts, per s"; $b.receipts_backlog_bench.drain_per_s; "one core signs × \($b.receipts_backlog_bench.drain_to_sign); payments p99 \($b.receipts_backlog_bench.p99_quiet_ms) → \($b.receipts_backlog_bench.p99_draining_ms) ms"; "≥ 0.6 ×"; $b.receipts_backlog_bench.drain_to_sign >= 0.6),
     row("MT940 lines per s, 1 GB"; $b.statement_bench.mt940_per_s; "mt940js \($b.peers.mt940_per_s): × \(ratio($b.statement_bench.mt940_per_s; $b.peers.mt940_per_s))"; "≥ 1000000 and 8 ×"; $b.statement_bench.mt940_per_s >= 1000000 and $b.statement_bench.mt940_per_s >= 8 * $b.peers.mt940_per_s),
     row("camt.053 entries per s, 1 GB"; $b.statement_bench.camt_per_s; "limit"; "≥ 150000"; $b.statement_bench.camt_per_s >= 150000),
     row("  peak memory of both, KiB"; $b.statement_bench.camt_peak_kb; "limit"; "< 51200"; $b.statement_bench.camt_peak_kb < 51200),
     row("bank lines recognised in a year, %"; $b.recall_bench.recall_percent; "\($b.recall_bench.lines) lines, \($b.recall_bench.lines_per_s) per s in nightly runs; with memos beyond repair \($b.recall_bench.recall_all_percent) %; false matches \($b.recall_bench.false_matches)"; "≥ 99.9 and no false one"; $b.recall_bench.recall_percent >= 99.9 and $b.recall_bench.false_matches == 0),
     ($b.reconcile_bench.sizes[] | row("\(.lines) lines from file to report, s"; .import_s + .run_s + .report_s | two; "import \(.import_s), run \(.run_s), report \(.report_s); bare SQL \(.bare_s): × \(.ratio)"; "≤ 1.5 ×"; .ratio <= 1.5)))
    | @tsv' build/bench.json | column -t -s "$(printf '\t')"
echo "build/bench.json"
exit $failed
