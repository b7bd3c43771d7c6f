#!/bin/bash
# The private PostgreSQL: where it lives, that twice works, that a dead server's traces do not stop it.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../../.." || exit 1
script=$PWD/app/run/postgres.sh
folder=$(mktemp -d)
trap 'for run in "$folder"/*/*; do [ -f "$run/where" ] && RUN_DIR=$run bash "$script" remove; done; rm -rf "$folder"' EXIT
chmod 755 "$folder"
unset POSTGRES_OPTIONS TMPDIR

at() { local run=$1; shift; RUN_DIR=$run bash "$script" "$@"; }
answers() { [ "$(at "$1" psql -Atc 'SELECT 42' 2>&1)" = 42 ]; }
where() { sed -n "s/^$2=//p" "$1/where"; }
expect() { if "${@:2}"; then echo "ok - $1"; else echo "not ok - $1"; fi; }

plain=$folder/plain/run
mkdir -p "$plain"
expect "it starts" at "$plain" start
expect "starting twice works" at "$plain" start
expect "it answers" answers "$plain"
expect "it listens on no network" test -z "$(at "$plain" psql -Atc 'SHOW listen_addresses')"
expect "its pages carry checksums" test "$(at "$plain" psql -Atc 'SHOW data_checksums')" = on
expect "its socket folder is closed to others" test "$(stat -c %a "$(where "$plain" socket)")" = 700

kill -KILL "$(head -n 1 "$(where "$plain" data)/postmaster.pid")"
sleep 0.3
sed -i "1s/.*/$$/" "$(where "$plain" data)/postmaster.pid"    # the number now belongs to somebody else
expect "a dead server's files do not stop the next" at "$plain" start
expect "it answers again" answers "$plain"
expect "it stops" at "$plain" stop
expect "stopping twice works" at "$plain" stop
expect "it is stopped" bash -c "! RUN_DIR='$plain' bash '$script' running"

long=$folder/$(printf 'x%.0s' {1..90})/run
mkdir -p "$long"
expect "it starts where the socket's path would be too long" at "$long" start
expect "it answers there" answers "$long"
expect "its socket is elsewhere" bash -c "[[ $(where "$long" socket) == /tmp/lephi-socket.* ]]"

odd="$folder/thư mục, của 'tôi'/run"
mkdir -p "$odd"
expect "it starts in a folder with blanks, commas, quotes and diacritics" at "$odd" start
expect "it answers there" answers "$odd"

if [ "$(id -u)" = 0 ]; then
    mkdir -p "$folder/hidden/run"
    chmod 700 "$folder/hidden"
    expect "root starts it where the server's user cannot enter" at "$folder/hidden/run" start
    expect "it answers there" answers "$folder/hidden/run"
    data=$(where "$folder/hidden/run" data)
    at "$folder/hidden/run" remove
    expect "removing leaves nothing in /tmp" test ! -e "$(dirname "$data")"
fi
