#!/bin/bash
# Statements fetched from a bank's drop: HTTPS from the sandbox, SFTP from OpenSSH's own server, started here with keys of
# its own as an unprivileged process on a free port of loopback. Prints TAP-like lines for tests/run.sh. Needs DATABASE_URL.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)
binary=${TEST_BINARY:-build/lephi}
sandbox=${TEST_SANDBOX:-build/lephi-sandbox}
work=$(mktemp -d)
chmod 755 "$work"
started=()
end() {
    local one
    for one in "${started[@]}"; do kill "$one" 2>/dev/null && wait "$one" 2>/dev/null; done
    rm -rf "$work"
}
trap end EXIT

ok() { # WHAT WORDS-EXPECTED
    if grep -qF -- "$2" "$work/out" "$work/err"; then echo "ok $1"; else
        echo "not ok $1"
        sed 's/^/# /' "$work/out" "$work/err"
    fi
}
exits() { # WHAT EXPECTED
    if [ "$status" = "$2" ]; then echo "ok $1"; else echo "not ok $1 (exit $status)"; sed 's/^/# /' "$work/err"; fi
}
fetch() { # CONFIG [NAME]
    "$binary" --config "$work/$1" statement fetch ${2-} >"$work/out" 2>"$work/err"
    status=$?
}
value() { psql -X -q -A -t "$DATABASE_URL" -c "$1"; }
is() { # WHAT EXPECTED SQL
    local got
    got=$(value "$3")
    if [ "$got" = "$2" ]; then echo "ok $1"; else echo "not ok $1: $got"; fi
}

psql -X -q "$DATABASE_URL" >/dev/null <<'SQL'
INSERT INTO agency (code, name_vi, tax_code, level) VALUES ('A1', 'Trung tâm', '5700100001', 'province');
INSERT INTO receiving_account (agency, bank_bin, account_number, account_name, source) VALUES ('A1', '970436', '0021000000001', 'TT', 'sandbox-bank');
INSERT INTO agency (code, name_vi, tax_code, level) VALUES ('A2', 'Sở', '5700100002', 'province');
INSERT INTO receiving_account (agency, bank_bin, account_number, account_name, source) VALUES ('A2', '970436', '0021000000002', 'TT', 'sandbox-bank');
SQL
yesterday=$(TZ=Asia/Ho_Chi_Minh date -d yesterday +%y%m%d)
before=$(TZ=Asia/Ho_Chi_Minh date -d '2 days ago' +%y%m%d)
iso=$(TZ=Asia/Ho_Chi_Minh date -d yesterday +%F)
statement() { # ACCOUNT LINES
    printf ':20:S%s\n:25:%s\n:28C:1/1\n:60F:C%sVND1000,\n' "$1" "$1" "$before"
    local i
    for i in $(seq 1 "$2"); do printf ':61:%s%sC5000,NTRFNONREF//FT%s%04d\n:86:chuyen tien %d\n' "$yesterday" "${yesterday:2}" "$1" "$i" "$i"; done
    printf ':62F:C%sVND%d,\n-\n' "$yesterday" $((1000 + 5000 * $2))
}
statement 0021000000001 5 >"$work/vcb.sta"
statement 0021000000002 40 >"$work/two.sta"
head -c 600 "$work/two.sta" >"$work/half.sta"

# HTTPS ------------------------------------------------------------------------------------------------------------
"$sandbox" --data "$work/sandbox" --account '0021000000001:TT:970436' --communes "$root/core/province/communes.csv" >"$work/listening" &
started+=($!)
for _ in $(seq 100); do grep -q listening "$work/listening" 2>/dev/null && break; sleep 0.1; done
base=http://127.0.0.1:$(sed -n 's/listening on //p' "$work/listening")
drop() { curl -sS --fail -X POST "$base/drop/$1" --data-binary "${2:-}" -H 'Content-Type: application/octet-stream'; }
url=$(curl -sS "$base/drop" | jq -r .url)
printf 'sao-ke\n' >"$work/password"
printf 'wrong\n' >"$work/wrong-password"
https() { # FILE PASSWORD MORE
    printf '[drop.web]\nurl = %s\nuser = lephi\npassword_file = %s\nca_file = %s\naccount = 0021000000001\npattern = *.sta *.xml\nsettle_s = 1\nsize_max_mib = 1\n%s\n' \
        "$url" "$work/$2" "$work/sandbox/drop-cert.pem" "${3:-}" >"$work/$1"
}
https web.conf password
https wrong.conf wrong-password
sed '/ca_file/d' "$work/web.conf" >"$work/no-ca.conf"
sed 's/https:/http:/' "$work/web.conf" >"$work/plain.conf"

fetch wrong.conf
exits "a wrong password takes nothing" 1
ok "the drop answers 401, and that is said" 401
if grep -q 'wrong$' "$work/out" "$work/err"; then echo "not ok the password is never printed"; else echo "ok the password is never printed"; fi
is "the visit is on record as failed" failed "SELECT outcome FROM statement_drop_visit ORDER BY id DESC LIMIT 1"
is "what a drop should have given is not received" 'not received' "SELECT state FROM sources_received('$iso') WHERE source = 'drop web'"
fetch no-ca.conf
exits "a certificate nobody vouches for is refused" 1
ok "and named" certificate
fetch plain.conf
exits "http in the clear is no drop" 2

drop 'put?name=two.sta' "@$work/half.sta"
fetch web.conf
exits "half a file brings nothing" 1
is "half a file is held back by its balances or refused, without a line" 0 "SELECT count(*) FROM statement_line"
drop 'put?name=two.sta' "@$work/two.sta"
drop 'put?name=vcb.sta' "@$work/vcb.sta"
drop 'put?name=readme.txt' 'hello'
drop 'link?href=..%252fsecret.sta'
drop 'link?href=%252e%252e%252fetc%252fpasswd.sta'
drop 'link?href=a%250abc.sta'
drop 'link?href=http%3A%2F%2F127.0.0.1%2Fother.sta'
fetch web.conf
ok "the whole file is taken when it is there" '"name":"two.sta","outcome":"imported"'
ok "names that lead elsewhere or hide control characters are refused and told" 'names refused'
is "each line once" 45 "SELECT count(*) FROM statement_line"
if grep -q readme "$work/out"; then echo "not ok what the pattern leaves out is not asked for"; else echo "ok what the pattern leaves out is not asked for"; fi
is "with its statement there the day is received" 'received' "SELECT state FROM sources_received('$iso') WHERE source = 'drop web'"
fetch web.conf
is "the same file again is not even asked for" 0 "SELECT taken FROM statement_drop_visit ORDER BY id DESC LIMIT 1"
drop 'put?name=copy-of-vcb.sta' "@$work/vcb.sta"
fetch web.conf
ok "the same bytes under another name are known by their hash" '"name":"copy-of-vcb.sta","outcome":"known"'
is "and add no line" 45 "SELECT count(*) FROM statement_line"

(sleep 0.6; drop 'put?name=slow.sta&append=1' 'more') &
later=$!
drop 'put?name=slow.sta' "@$work/half.sta"
fetch web.conf
wait "$later"
ok "a file that grows while it is read waits for the next visit" '"name":"slow.sta","outcome":"growing"'
drop 'put?name=slow.sta' "$(head -c 1500000 /dev/zero | tr '\0' x)" 2>/dev/null || head -c 1500000 /dev/zero >"$work/sandbox/drop/slow.sta"
fetch web.conf
ok "a file over its bound is refused" 'larger than 1 MiB'
rm -f "$work/sandbox/drop/slow.sta"
drop half
drop 'put?name=third.sta' "@$work/vcb.sta"
fetch web.conf
ok "a connection that breaks off gives no file" '"name":"third.sta","outcome":"unreadable"'
exits "and that is said" 1

# SFTP -------------------------------------------------------------------------------------------------------------
sshd=${TEST_SSHD:-}
for one in /usr/sbin/sshd "$root/build/tools/openssh/usr/sbin/sshd"; do [ -n "$sshd" ] || { [ -x "$one" ] && sshd=$one; }; done
if [ -z "$sshd" ]; then
    echo "not ok an SFTP server: neither /usr/sbin/sshd nor build/tools/openssh (app/run/packages.sh test)"
    exit 1
fi
ssh="$work/ssh"
mkdir -p "$ssh/drop/archive"
for key in host other client stranger; do ssh-keygen -q -t ed25519 -N '' -C "$key" -f "$ssh/$key"; done
cp "$ssh/client.pub" "$ssh/authorized"
user=$(id -un)
as=()
if [ "$user" = root ]; then
    user=postgres
    as=(runuser -u postgres --)
    chown -R postgres "$ssh"
    chmod 755 "$ssh"
fi
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); });')
cat >"$ssh/config" <<CONF
ListenAddress 127.0.0.1
Port $port
HostKey $ssh/host
AuthorizedKeysFile $ssh/authorized
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication yes
Subsystem sftp internal-sftp
ForceCommand internal-sftp
CONF
"${as[@]}" "$sshd" -D -e -f "$ssh/config" 2>"$work/sshd.log" &
started+=($!)
for _ in $(seq 50); do (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.1; done
cp "$ssh/client" "$ssh/stranger" "$work/"
sftp() { # FILE LINES…
    printf '[drop.bank]\nurl = sftp://127.0.0.1:%s%s/drop/\nuser = %s\naccount = 0021000000002\nsettle_s = 1\n' "$port" "$ssh" "$user" >"$work/$1"
    printf '%s\n' "${@:2}" >>"$work/$1"
}
mark=$(ssh-keygen -lf "$ssh/host.pub" | cut -d ' ' -f 2)
printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d ' ' -f 1,2 "$ssh/host.pub")" >"$work/known"
printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d ' ' -f 1,2 "$ssh/other.pub")" >"$work/mismatch"
printf '[127.0.0.2]:22 %s\n' "$(cut -d ' ' -f 1,2 "$ssh/other.pub")" >"$work/unknown"
sftp sftp.conf "key_file = $work/client" "known_hosts = $work/known"
sftp mark.conf "key_file = $work/client" "host_key = $mark"
sftp mismatch.conf "key_file = $work/client" "known_hosts = $work/mismatch"
sftp unknown.conf "key_file = $work/client" "known_hosts = $work/unknown"
sftp wrong-mark.conf "key_file = $work/client" "host_key = $(ssh-keygen -lf "$ssh/other.pub" | cut -d ' ' -f 2)"
sftp stranger.conf "key_file = $work/stranger" "host_key = $mark"
sftp password.conf "password_file = $work/wrong-password" "host_key = $mark"
sftp nobody.conf "key_file = $work/client"
sed "s/:$port/:1/" "$work/mark.conf" >"$work/gone.conf"

fetch nobody.conf
exits "without a host key to hold against nothing is fetched" 2
for one in mismatch unknown wrong-mark stranger password gone; do
    fetch "$one.conf"
    exits "refused: $one" 1
    is "on record as failed: $one" failed "SELECT outcome FROM statement_drop_visit ORDER BY id DESC LIMIT 1"
done
if grep -qE 'subsystem request|Accepted' "$work/sshd.log"; then echo "not ok nobody got in"; else echo "ok nobody got in"; fi
statement 0021000000002 40 | sed 's/^:28C:1/:28C:7/' >"$work/again.sta"
cp "$work/again.sta" "$ssh/drop/week 1 (final).sta"
fetch sftp.conf
ok "a file with spaces in its name comes by SFTP, by known_hosts and key" '"name":"week 1 (final).sta"'
is "the lines of both ways are the same lines" 45 "SELECT count(*) FROM statement_line"
is "folders are no files" 1 "SELECT listed FROM statement_drop_visit ORDER BY id DESC LIMIT 1"
cp "$work/again.sta" "$ssh/drop/second.sta"
fetch mark.conf
ok "by fingerprint too; the same bytes are known" '"name":"second.sta","outcome":"known"'
ok "what was taken before is not asked for" '"files":[{"name":"second.sta"'
printf ':20:X' >"$ssh/drop/slow.sta"
(sleep 0.6; printf 'more' >>"$ssh/drop/slow.sta") &
later=$!
fetch sftp.conf
wait "$later"
ok "a file that grows by SFTP waits too" '"name":"slow.sta","outcome":"growing"'
cp "$work/half.sta" "$ssh/drop/slow.sta"
touch "$ssh/drop/$(printf 'a\tb.sta')"
fetch sftp.conf
ok "a control character in a name is refused" 'a control character'
is "half a file by SFTP brings no line" 45 "SELECT count(*) FROM statement_line"

# The night --------------------------------------------------------------------------------------------------------
cat "$work/gone.conf" <(sed 's/^\[.*/[drop.web]/' "$work/web.conf") >"$work/night.conf"
"$binary" --config "$work/night.conf" reconcile >"$work/out" 2>"$work/err"
status=$?
exits "the night goes on without a drop that is gone" 0
ok "tells which" 'drop bank'
ok "and asks the other" 'drop web'
is "and leaves a job that goes back to it" bank "SELECT string_agg(key, ' ' ORDER BY key) FROM job WHERE kind = 'statement_fetch' AND key = 'bank'"
ok "the summary is the night's own" '"every_line_has_one_fate"'
