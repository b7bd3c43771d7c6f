#!/bin/bash
# A working service on this machine: database, sandbox of the outside world, service, demo data.
#
#   run.sh serve    until Ctrl-C
#   run.sh demo     the same on a fresh database, then one working day checked step by step; exits with its result
#
# PORT (8080), SANDBOX_PORT (8081)   where to listen on 127.0.0.1
# DATABASE_URL                       use this server instead of a private one in .run/
#
# Everything it starts it stops again, and nothing else. Keys, certificates and logins are for demonstration only.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)
cd "$root"
mode=${1:-serve}
export RUN_DIR=${RUN_DIR:-$root/.run}
PORT=${PORT:-8080}
SANDBOX_PORT=${SANDBOX_PORT:-8081}
lephi=$root/build/lephi
data=$root/app/demo
conf=$RUN_DIR/lephi-$mode.conf
url=http://127.0.0.1:$PORT
sandbox_url=http://127.0.0.1:$SANDBOX_PORT
password=demo-2026-lephi
started=()        # process ids, in the order of their start
own_database=''

say() { echo "run.sh: $*" >&2; }
die() { say "$*"; exit 1; }

# Children live in sessions of their own, so that Ctrl-C reaches this script alone and they are stopped in order; should
# this script be killed, the kernel tells them.
launch() { # LOG COMMAND…
    : >"$1" # the line of an earlier start must not be taken for this one's
    setpriv --pdeathsig TERM setsid "${@:2}" >"$1" 2>&1 </dev/null &
    started+=($!)
}

stop_all() {
    trap '' INT TERM
    local i
    for ((i = ${#started[@]} - 1; i >= 0; i--)); do
        kill -TERM "${started[i]}" 2>/dev/null || continue
        wait "${started[i]}" 2>/dev/null || true
    done
    [ -z "$own_database" ] || bash "$here/postgres.sh" stop || true
}
trap stop_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

check_port() {
    if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
        die "port $1 is in use; choose another with $2=…"
    fi
}

wait_for() { # PID LOG WHAT TEST…
    local try
    for ((try = 0; try < 300; try++)); do
        "${@:4}" >/dev/null 2>&1 && return
        kill -0 "$1" 2>/dev/null || break
        sleep 0.1
    done
    tail -n 20 "$2" >&2
    die "$3 did not start; its log is $2"
}

start_database() {
    [ -n "${DATABASE_URL:-}" ] && return
    bash "$here/postgres.sh" running || own_database=yes
    bash "$here/postgres.sh" start
    local name=lephi
    if [ "$mode" = demo ]; then
        name=lephi_demo
        bash "$here/postgres.sh" psql -q -c "DROP DATABASE IF EXISTS $name WITH (FORCE)" -c "CREATE DATABASE $name"
    fi
    DATABASE_URL=$(bash "$here/postgres.sh" url $name)
    export DATABASE_URL
}

tax_codes() { tail -n +2 "$data/agencies.csv" | grep -oE '(,)[0-9]{10}(-[0-9]{3})?(,|$)' | tr -d , | sort -u; }

write_conf() {
    mkdir -p "$RUN_DIR/data-$mode"
    {
        echo "# Written by app/run/run.sh at every start."
        printf '[http]\nport = %s\npublic_url = %s\n' "$PORT" "$url"
        printf '[server]\nsecret_file = %s\n' "$RUN_DIR/secret"
        printf '[paths]\ndata = %s\n' "$RUN_DIR/data-$mode"
        printf '[sandbox-bank]\nsecret_file = %s\nbase_url = %s\n' "$RUN_DIR/sandbox-secret" "$sandbox_url"
        printf '[vnpost]\nusername = sandbox\npassword = sandbox\ncustomer_code = C000000001\nbase_url = %s/vnpost\n' "$sandbox_url"
        printf 'public_key = %s\n' "$RUN_DIR/sandbox-$mode/vnpost-public.pem"
        local shared
        shared=$RUN_DIR/sandbox-secret
        printf '[momo]\npartner_code = SANDBOX\naccess_key = sandbox\nsecret_key_file = %s\nbase_url = %s/momo\n' "$shared" "$sandbox_url"
        printf '[zalopay]\napp_id = 2553\nkey1_file = %s\nkey2_file = %s\nbase_url = %s/zalopay\n' "$shared" "$shared" "$sandbox_url"
        printf '[vnpay]\ntmn_code = SANDBOX1\nhash_secret_file = %s\nbase_url = %s/vnpay\n' "$shared" "$sandbox_url"
        printf '[dvcqg]\npartner_code = SANDBOX\nsecret_file = %s\nbase_url = %s/dvcqg\n' "$shared" "$sandbox_url"
        printf '[tax]\nurl = %s/tax\n' "$sandbox_url"
        printf '[receipts]\ntrust_file = %s\n' "$RUN_DIR/pki/ca.pem"
        local code
        for code in $(tax_codes); do
            printf '[receipts.%s]\nkey_file = %s\ncert_file = %s\n' "$code" "$RUN_DIR/pki/$code.key" "$RUN_DIR/pki/$code.pem"
        done
    } >"$conf.new"
    mv "$conf.new" "$conf"
}

start_sandbox() {
    local accounts=() line agency bin number name
    while IFS=, read -r agency bin number name line; do
        accounts+=(--account "$number:$name:$bin")
    done < <(tail -n +2 "$data/accounts.csv")
    [ "$mode" != demo ] || rm -rf "$RUN_DIR/sandbox-demo"
    launch "$RUN_DIR/sandbox.log" "$root/build/lephi-sandbox" --port "$SANDBOX_PORT" --data "$RUN_DIR/sandbox-$mode" \
        --secret-file "$RUN_DIR/sandbox-secret" --webhook "$url/v1/notifications/sandbox-bank" --notifications "$url/v1/notifications" \
        --vnpost-webhook "$url/v1/notifications/vnpost" --communes "$root/core/province/communes.csv" --clock-offset-s "${LEPHI_CLOCK_OFFSET_S:-0}" \
        "${accounts[@]}"
    wait_for "${started[-1]}" "$RUN_DIR/sandbox.log" "the sandbox" grep -q '^listening on' "$RUN_DIR/sandbox.log"
}

# Letters and messages go to the sandbox's sink, whose mail server has told its port by now.
write_outgoing_conf() {
    local mail_port
    mail_port=$(curl -fsS "$sandbox_url/sink/smtp" | grep -oE '[0-9]+') || die "the sandbox has no mail server"
    echo sandbox >"$RUN_DIR/zalo-token"
    {
        printf '[mail]\nurl = smtp://127.0.0.1:%s\nfrom = lephi@quangninh.example\n' "$mail_port"
        printf '[sms]\nurl = %s/MainService.svc/json/SendMultipleMessage_V4_post_json/\nsender = QUANGNINH\n' "$sandbox_url"
        printf '[zalo]\nurl = %s/message/template\ntoken_path = %s\n' "$sandbox_url" "$RUN_DIR/zalo-token"
        printf 'templates = request_made=1 reminder=2 paid=3 shortage=4 refund_made=5 parcel_delivered=6 parcel_attempted=7\n'
        printf '[notices]\nchannels = email sms\nquiet =\n'
        printf '[webhooks]\nurls = %s/receiver/\n[webhook.one]\nsecret_file = %s\n' "$sandbox_url" "$RUN_DIR/sandbox-secret"
    } >>"$conf"
}

load_data() {
    "$lephi" --config "$conf" migrate >"$RUN_DIR/migrate.log"
    local folder
    for folder in "$data" "$root/core/province"; do
        [ ! -f "$folder/agencies.csv" ] && [ ! -f "$folder/communes.csv" ] && continue
        "$lephi" --config "$conf" province import "$folder" >>"$RUN_DIR/migrate.log"
    done
    "$lephi" --config "$conf" catalogue check "$root/payments/catalogue" >>"$RUN_DIR/migrate.log" 2>&1 ||
        die "the shipped catalogue has faults: $RUN_DIR/migrate.log"
    local code
    for code in $(tax_codes); do # a range that is there stays as it is
        "$lephi" --config "$conf" receipt open "$code" >>"$RUN_DIR/migrate.log" 2>&1 || true
    done
    local role
    for role in cashier supervisor finance auditor admin; do
        # A login that is there gets its printed password back.
        "$lephi" --config "$conf" staff add "$role" "Demo $role" "$role" <<<"$password" >/dev/null 2>&1 ||
            "$lephi" --config "$conf" staff reset "$role" <<<"$password" >/dev/null
    done
}

start_service() {
    launch "$RUN_DIR/lephi.log" "$lephi" --config "$conf" serve
    wait_for "${started[-1]}" "$RUN_DIR/lephi.log" "lephi" curl -fsS -m 2 "$url/readyz"
}

# The key of the last start when this database still knows it, else a new one.
api_key() {
    local file=$RUN_DIR/key-$mode
    if ! { [ -s "$file" ] && curl -fsS -m 5 -o /dev/null -H "Authorization: Bearer $(cat "$file")" "$url/v1/events?limit=1" 2>/dev/null; }; then
        local name
        name=run-$(date +%s)
        (umask 077 && "$lephi" --config "$conf" key add "$name" all >"$file")
    fi
    cat "$file"
}

# A card terminal and a printed code for every desk of the demo; what is there stays.
equip_counters() {
    local agency rest number=0
    while IFS=, read -r agency rest; do
        number=$((number + 1))
        curl -fsS -m 5 -o /dev/null -X PUT -H "Authorization: Bearer $key" -H 'Content-Type: application/json' \
            -d "{\"agency\":\"$agency\",\"desk\":\"Quầy 1\",\"address\":\"$sandbox_url/nexo\"}" "$url/v1/terminals/POS-$agency"
        curl -fsS -m 5 -o /dev/null -X PUT -H "Authorization: Bearer $key" -H 'Content-Type: application/json' \
            -d "{\"agency\":\"$agency\",\"place\":\"Quầy 1\"}" "$(printf '%s/v1/static-codes/QUAY%02d' "$url" $number)"
    done < <(tail -n +2 "$data/accounts.csv")
}

announce() {
    cat <<TEXT

  lephi          $url/
  quầy (cashier) $url/counter      tài chính (finance)  $url/finance
  API            $url/docs
  sandbox        $sandbox_url/      (ngân hàng, ví, bưu điện giả lập: bank, wallets, post office)

  logins         cashier supervisor finance auditor admin     password: $password
  API key        $key
  database       $DATABASE_URL
  logs           $RUN_DIR/lephi.log $RUN_DIR/sandbox.log

TEXT
}

case $mode in serve | demo) ;; *) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;; esac
# The demo's sums are those of one day of law: its installation lives on Monday 23 November 2026 from 07:30.
if [ "$mode" = demo ]; then
    LEPHI_CLOCK_OFFSET_S=$(($(date -d 2026-11-23T07:30:00+07:00 +%s) - $(date +%s)))
    export LEPHI_CLOCK_OFFSET_S
fi
mkdir -p "$RUN_DIR"
check_port "$PORT" PORT
check_port "$SANDBOX_PORT" SANDBOX_PORT
bash "$here/secrets.sh" "$data/agencies.csv"
start_database
write_conf
start_sandbox
write_outgoing_conf
load_data
start_service
key=$(api_key)
equip_counters
announce

if [ "$mode" = demo ]; then
    rm -rf "$RUN_DIR/demo"
    DEMO_PASSWORD=$password DEMO_URL=$url DEMO_SANDBOX_URL=$sandbox_url DEMO_KEY=$key DEMO_BINARY=$lephi LEPHI_CONFIG=$conf DEMO_FOLDER=$RUN_DIR/demo \
        DEMO_TRUST=$RUN_DIR/pki/ca.pem "$root/build/lephi-demo" &
    demo=$!
    started+=($demo)
    status=0
    wait $demo || status=$?
    exit $status
fi
echo "Ctrl-C stops it."
wait -n "${started[@]}" || true
die "a part of it ended by itself; see $RUN_DIR/lephi.log and $RUN_DIR/sandbox.log"
