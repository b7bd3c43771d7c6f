#!/bin/bash
# The running service, measured from outside: CPU a request of a quote (POST /v1/quotes, the real procedure 2.000635) and of
# /healthz, resident memory when idle. DATABASE_URL names a migrated database. Prints one JSON object.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
folder=$(mktemp -d)
service=''
finish() { [ -z "$service" ] || { kill -TERM "$service"; wait "$service" 2>/dev/null; } || true; rm -rf "$folder"; }
trap finish EXIT
openssl rand -hex 32 >"$folder/secret"
LEPHI_SERVER_SECRET_FILE=$folder/secret LEPHI_HTTP_PORT=0 LEPHI_HTTP_PUBLIC_URL=http://127.0.0.1 build/lephi serve >"$folder/out" 2>&1 &
service=$!
for _ in $(seq 100); do grep -q '^listening' "$folder/out" && break; sleep 0.1; done
url=http://$(sed -n 's/^listening on //p' "$folder/out")
idle_kb=$(awk '/^VmRSS/ {print $2}' "/proc/$service/status")
cat >"$folder/quote.lua" <<'LUA'
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"procedure":"2.000635","channel":"online","quantities":{"copies":2}}'
LUA

ticks() { awk '{print $14 + $15}' "/proc/$service/stat"; }
cpu_us() { # URL [OPTION…]: CPU microseconds of the service a request
    local before after requests
    before=$(ticks)
    wrk -t1 -c64 -d3s "${@:2}" "$1" >"$folder/wrk"
    after=$(ticks)
    ! grep -q 'Non-2xx' "$folder/wrk" || { cat "$folder/wrk" >&2; exit 1; }
    requests=$(awk '/requests in/ {print $1}' "$folder/wrk")
    awk -v t=$((after - before)) -v n="$requests" -v hz="$(getconf CLK_TCK)" 'BEGIN {printf "%.2f", t * 1e6 / hz / n}'
}
health=$(cpu_us "$url/healthz")
quote=$(cpu_us "$url/v1/quotes" -s "$folder/quote.lua")
jq -n --argjson idle "$idle_kb" --argjson health "$health" --argjson quote "$quote" \
    '{bench: "service", idle_kb: $idle, health_cpu_us: $health, quote_cpu_us: $quote}'
