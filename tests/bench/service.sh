#!/bin/bash
# The running service, measured from outside: CPU a request of POST /v1/quotes beside libmicrohttpd and fastify giving the
# same bytes to the same requests, a burst on 128, 256 and 384 connections at once, and resident memory when idle.
# DATABASE_URL names a migrated database. Prints one JSON object.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
folder=$(mktemp -d)
started=()
finish() {
    for one in "${started[@]}"; do kill -TERM "$one" && wait "$one"; done 2>/dev/null || true
    rm -rf "$folder"
}
trap finish EXIT

start() { # NAME COMMAND…: starts it, waits until it listens, sets pid and url
    "${@:2}" >"$folder/$1.out" 2>&1 &
    pid=$!
    started+=("$pid")
    for _ in $(seq 100); do grep -q '^listening' "$folder/$1.out" && break; sleep 0.1; done
    url=http://$(sed -n 's/^listening on //p' "$folder/$1.out")
}

openssl rand -hex 32 >"$folder/secret"
export LEPHI_SERVER_SECRET_FILE=$folder/secret LEPHI_HTTP_PORT=0 LEPHI_HTTP_PUBLIC_URL=http://127.0.0.1
start service build/lephi serve
service=$pid service_url=$url
idle_kb=$(awk '/^VmRSS/ {print $2}' "/proc/$service/status")

# Four ways to ask for a quote: one body again and again; a counter's day, 12 procedures filed two ways in 1 to 5 copies; a
# province's days of 4,000 quotes each, new ones every day; bodies never seen before.
post='wrk.method = "POST" wrk.headers["Content-Type"] = "application/json"'
one='{"procedure":"2.000635","channel":"online","quantities":{"copies":2}}'
echo "$post wrk.body = '$one'" >"$folder/one.lua"
all_codes=$(curl -sS "$service_url/v1/procedures?limit=500" | jq -r '.items[] | select([.fees[] | select(.usual)] |
    length > 0 and all(.price == "set" and (.area_classes | not) and (.roles | not) and
    (.quantities - ["copies"] | length == 0))) | .code' | jq -Rnc '[inputs]')
codes=$(jq -c '.[:12]' <<<"$all_codes")
answers() { # CODE: for years to come, however it is filed
    local day channel
    for day in 2026-12-01 2030-06-15 2036-06-15; do
        for channel in online counter post; do
            curl -sSf -o "$folder/answer" -H 'Content-Type: application/json' "$service_url/v1/quotes" \
                -d "{\"procedure\":\"$1\",\"channel\":\"$channel\",\"filed_on\":\"$day\",\"quantities\":{\"copies\":2}}" 2>"$folder/why" || return 1
        done
    done
}
all_codes=$(jq -r '.[]' <<<"$all_codes" | while read -r code; do if answers "$code"; then echo "$code"; fi; done | jq -Rnc '[inputs]')
# 480,000 dossiers in half a year are 4,000 a working day. Which procedure: by Zipf over all that need no more than copies;
# how many copies and filed how: as the counters of the model province see it. The day is part of the question, so that
# no quote outlives it, and each run begins on another one.
cat >"$folder/province.lua" <<LUA
$post
local codes = {$(jq -r 'map("\"" + . + "\"") | join(", ")' <<<"$all_codes")}
local bodies, at, per_day, days = {}, 0, 4000, 45
local function pick(weights)
  local sum, dice = 0, math.random()
  for i, weight in ipairs(weights) do
    sum = sum + weight
    if dice < sum then return i end
  end
  return #weights
end
init = function()
  math.randomseed(os.time())
  local zipf, sum, first = {}, 0, 1796083200 + math.random(0, 3400) * 86400
  for i = 1, #codes do zipf[i] = 1 / i sum = sum + zipf[i] end
  for i = 1, #codes do zipf[i] = zipf[i] / sum end
  for day = 1, days do
    local filed = os.date("!%Y-%m-%d", first + day * 86400)
    for _ = 1, per_day do
      local copies = pick({.5, .25, .1, .05, .04})
      if copies == 5 and math.random() < .5 then copies = math.random(6, 40) end
      bodies[#bodies + 1] = wrk.format(nil, nil, nil, '{"procedure":"' .. codes[pick(zipf)] .. '","channel":"' ..
        ({"online", "counter", "post"})[pick({.6, .3, .1})] .. '","filed_on":"' .. filed .. '","quantities":{"copies":' .. copies .. '}}')
    end
  end
end
request = function() at = at % #bodies + 1 return bodies[at] end
LUA
cat >"$folder/day.lua" <<LUA
$post
local bodies, at = {}, 0
init = function()
  for _, code in ipairs({$(jq -r 'map("\"" + . + "\"") | join(", ")' <<<"$codes")}) do
    for _, channel in ipairs({"counter", "online"}) do
      for copies = 1, 5 do
        bodies[#bodies + 1] = wrk.format(nil, nil, nil, '{"procedure":"' .. code .. '","channel":"' .. channel ..
          '","quantities":{"copies":' .. copies .. '}}')
      end
    end
  end
end
request = function() at = at % #bodies + 1 return bodies[at] end
LUA
cat >"$folder/new.lua" <<LUA
$post
local copies = 0
request = function()
  copies = copies + 1
  return wrk.format(nil, nil, nil, '{"procedure":"2.000635","channel":"online","quantities":{"copies":' .. copies .. '}}')
end
LUA
curl -sS -H 'Content-Type: application/json' -d "$one" "$service_url/v1/quotes" >"$folder/reply"
start bare build/tests/bench/http_bench bare "$folder/reply"
bare=$pid bare_url=$url
# For the day: a fixed reply as long as its replies are on average.
for code in $(jq -r '.[]' <<<"$codes"); do
    curl -sS -H 'Content-Type: application/json' -d "{\"procedure\":\"$code\",\"channel\":\"online\",\"quantities\":{\"copies\":2}}" "$service_url/v1/quotes"
done >"$folder/replies"
head -c $(($(stat -c %s "$folder/replies") / $(jq length <<<"$codes"))) "$folder/replies" >"$folder/reply_day"
start bare_day build/tests/bench/http_bench bare "$folder/reply_day"
bare_day=$pid bare_day_url=$url
start fastify node tests/bench/quote_peer.mjs "$folder/reply"
fastify=$pid fastify_url=$url

ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }
cpu_us() { # PID URL [OPTION…]: CPU microseconds of the process a request
    local before after requests
    before=$(ticks "$1")
    wrk -t1 -c64 -d2s "${@:3}" "$2" >"$folder/wrk"
    after=$(ticks "$1")
    ! grep -q 'Non-2xx' "$folder/wrk" || { cat "$folder/wrk" >&2; exit 1; }
    requests=$(awk '/requests in/ {print $1}' "$folder/wrk")
    awk -v t=$((after - before)) -v n="$requests" -v hz="$(getconf CLK_TCK)" 'BEGIN {printf "%.2f\n", t * 1e6 / hz / n}'
}
median() { sort -n "$folder/$1" | sed -n 4p; }
cpu_us "$fastify" "$fastify_url/v1/quotes" -s "$folder/one.lua" >/dev/null # compiled while warming up
for _ in 1 2 3 4 5 6 7; do # interleaved: a neighbour's load falls on all alike
    cpu_us "$bare" "$bare_url/" >>"$folder/get"
    cpu_us "$bare" "$bare_url/" -s "$folder/one.lua" >>"$folder/post"
    cpu_us "$bare_day" "$bare_day_url/" -s "$folder/day.lua" >>"$folder/post_day"
    cpu_us "$bare_day" "$bare_day_url/" -s "$folder/province.lua" >>"$folder/post_province"
    cpu_us "$service" "$service_url/v1/quotes" -s "$folder/province.lua" >>"$folder/province"
    cpu_us "$bare" "$bare_url/" -s "$folder/new.lua" >>"$folder/post_new" # a slower driver: fewer requests a turn of the loop
    cpu_us "$service" "$service_url/v1/quotes" -s "$folder/one.lua" >>"$folder/one"
    cpu_us "$service" "$service_url/v1/quotes" -s "$folder/day.lua" >>"$folder/day"
    cpu_us "$service" "$service_url/v1/quotes" -s "$folder/new.lua" >>"$folder/new"
    cpu_us "$fastify" "$fastify_url/v1/quotes" -s "$folder/one.lua" >>"$folder/fastify"
done
for count in 128 256 384; do
    build/tests/bench/http_bench lockstep "${bare_url##*:}" "$count" >"$folder/step_bare"
    build/tests/bench/http_bench lockstep "${service_url##*:}" "$count" >"$folder/step"
    jq -s '.[1] + {bare_p99_ms: .[0].p99_ms}' "$folder/step_bare" "$folder/step"
done >"$folder/lockstep"
jq -n --argjson idle "$idle_kb" --argjson get "$(median get)" --argjson post "$(median post)" --argjson post_new "$(median post_new)" --argjson post_day "$(median post_day)" \
    --argjson one "$(median one)" --argjson province "$(median province)" --argjson post_province "$(median post_province)" \
    --argjson day "$(median day)" --argjson new "$(median new)" --argjson fastify "$(median fastify)" \
    --argjson procedures "$(jq length <<<"$codes")" --argjson all "$(jq length <<<"$all_codes")" --slurpfile lockstep "$folder/lockstep" \
    '{bench: "service", idle_kb: $idle, bare_get_cpu_us: $get, bare_post_cpu_us: $post, bare_post_day_cpu_us: $post_day, bare_post_new_cpu_us: $post_new, quote_province_cpu_us: $province, bare_post_province_cpu_us: $post_province, quote_cpu_us: $one,
      quote_day_cpu_us: $day, quote_day_procedures: $procedures, quote_province_procedures: $all, quote_new_cpu_us: $new, fastify_cpu_us: $fastify,
      lockstep: $lockstep}'
