#!/bin/bash
# A private PostgreSQL for one checkout: own data, own unix socket, no network port, nothing shared with Debian's cluster.
#
#   postgres.sh start             make it when there is none, start it when it is not running
#   postgres.sh stop              stop it (fast: open transactions are rolled back)
#   postgres.sh running           exit 0 when it is
#   postgres.sh url [DATABASE]    connection string for DATABASE_URL
#   postgres.sh psql [ARG…]       a prompt on it
#   postgres.sh remove            stop it and delete its data
#
# RUN_DIR           where it lives (default: .run in the checkout)
# POSTGRES_OPTIONS  further server options, as "-c fsync=on"
#
# PostgreSQL refuses to run as root. Root therefore runs it as the package's user `postgres`; where that user cannot
# enter the checkout, or the socket's path would be too long for the kernel (sun_path has 108 bytes), the folder is a
# mktemp -d one. RUN_DIR/where says which folders are in use.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
RUN_DIR=${RUN_DIR:-$(cd "$here/../.." && pwd -P)/.run}
mkdir -p "$RUN_DIR"
RUN_DIR=$(cd "$RUN_DIR" && pwd -P)
where=$RUN_DIR/where
socket_name=/.s.PGSQL.5432
socket_path_max=100

say() { echo "postgres.sh: $*" >&2; }
die() { say "$*"; exit 1; }

bin() {
    local folder
    for folder in /usr/lib/postgresql/15/bin /usr/lib/postgresql/*/bin; do
        [ -x "$folder/initdb" ] && { echo "$folder"; return; }
    done
    die "PostgreSQL is not installed (bash app/run/packages.sh run)"
}

# Who the server runs as: the owner of existing data, else the caller, else (for root) the package's user.
server_user() {
    if [ "$(id -u)" != 0 ]; then
        id -un
    elif [ -d "${data:-}" ] && [ "$(stat -c %U "$data")" != root ]; then
        stat -c %U "$data"
    else
        echo postgres
    fi
}

as_server() {
    if [ "$(id -u)" = 0 ]; then
        (cd / && exec runuser -u "$user" -- "$@")
    else
        (cd / && exec "$@")
    fi
}

read_where() {
    data='' socket=''
    [ -f "$where" ] || return 0
    data=$(sed -n 's/^data=//p' "$where")
    socket=$(sed -n 's/^socket=//p' "$where")
}

# Chooses the folders once; later starts find them in `where`. A folder in /tmp that a reboot swept away is made anew.
choose_folders() {
    read_where
    user=$(server_user)
    id "$user" >/dev/null 2>&1 || die "there is no user '$user'"
    if [ -z "$data" ] || [ ! -d "$data" ]; then
        data=$RUN_DIR/postgres/data
        mkdir -p "$RUN_DIR/postgres"
        if ! as_server test -x "$RUN_DIR/postgres"; then
            data=$(mktemp -d "${TMPDIR:-/tmp}/lephi-data.XXXXXX")/data
            chmod 711 "$(dirname "$data")"
        fi
        mkdir -m 700 "$data"
        hand_over "$data"
    fi
    if [ -z "$socket" ] || [ ! -d "$socket" ]; then
        socket=$RUN_DIR/postgres/socket
        if ! socket_path_good; then
            socket=$(mktemp -d /tmp/lephi-socket.XXXXXX)
        fi
        mkdir -p -m 700 "$socket"
        hand_over "$socket"
    fi
    printf 'data=%s\nsocket=%s\n' "$data" "$socket" >"$where.new"
    mv "$where.new" "$where"
}

# Short enough for the kernel, without characters that shells and connection strings read (libpq splits hosts at commas).
socket_path_good() {
    case $socket in *[!A-Za-z0-9._/-]*) return 1 ;; esac
    [ $((${#socket} + ${#socket_name})) -le $socket_path_max ] && as_server test -x "$(dirname "$socket")"
}

hand_over() { if [ "$(id -u)" = 0 ]; then chown "$user" "$1"; fi; }

# The process in a lock file is ours only when it works in our data folder: after a power cut the number may belong to
# anybody, and PostgreSQL would wait for that stranger for ever.
running() {
    local pid
    pid=$(head -n 1 "$data/postmaster.pid" 2>/dev/null) || return 1
    [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "$(readlink -f "$data")" ]
}

make_cluster() {
    [ -f "$data/lephi.made" ] && return
    find "$data" -mindepth 1 -delete    # what an interrupted initdb left
    as_server "$(bin)/initdb" -D "$data" -U lephi -E UTF8 --locale="$(locale_name)" --auth-local=trust \
        --auth-host=reject --data-checksums >"$RUN_DIR/initdb.log" 2>&1 || { cat "$RUN_DIR/initdb.log" >&2; return 1; }
    # The folder of the socket is the lock: mode 0700, so whoever can connect could read the data files anyway.
    as_server tee -a "$data/postgresql.conf" >/dev/null <<'CONF'
listen_addresses = ''
unix_socket_permissions = 0700
timezone = 'UTC'
log_timezone = 'UTC'
max_connections = 200
shared_buffers = 256MB
max_wal_size = 2GB
jit = off
max_parallel_workers_per_gather = 0
log_lock_waits = on
CONF
    as_server touch "$data/lephi.made"
}

locale_name() { if locale -a 2>/dev/null | grep -qix 'C.utf-\?8'; then echo C.UTF-8; else echo C; fi; }

start() {
    exec 9>"$RUN_DIR/lock"
    flock -w 180 9 || die "another start is still under way ($RUN_DIR/lock)"
    choose_folders
    make_cluster 9>&-
    if ! running; then
        rm -f "$data/postmaster.pid" "$socket$socket_name" "$socket$socket_name.lock"
        # Detached from our files, so that a pipe behind us ends when we do.
        as_server "$(bin)/pg_ctl" start -w -t 120 -D "$data" -l "$data/server.log" \
            -o "-k $socket ${POSTGRES_OPTIONS:-}" </dev/null >/dev/null 2>"$RUN_DIR/start.log" 9>&- || {
            cat "$RUN_DIR/start.log" >&2
            as_server tail -n 20 "$data/server.log" >&2 || true
            die "PostgreSQL did not start"
        }
    fi
    local found
    found=$(sql postgres "SELECT 1 FROM pg_database WHERE datname = 'lephi'") || die "PostgreSQL does not answer"
    [ "$found" = 1 ] || sql postgres 'CREATE DATABASE lephi' >/dev/null
}

stop() {
    read_where
    [ -n "$data" ] && running || return 0
    user=$(server_user)
    as_server "$(bin)/pg_ctl" stop -w -t 60 -m fast -D "$data" >/dev/null
}

remove() {
    stop
    read_where
    local folder
    for folder in "$data" "$socket"; do
        [ -n "$folder" ] && rm -rf "$folder"
    done
    case $data in "${TMPDIR:-/tmp}"/lephi-data.*/data) rmdir "$(dirname "$data")" ;; esac
    rm -rf "$where" "$RUN_DIR/postgres"
}

url() {
    read_where
    [ -n "$socket" ] || die "it was never started"
    printf 'postgresql://lephi@%s/%s' "${socket//\//%2F}" "${1:-lephi}"
}

sql() { "$(bin)/psql" -X -q -A -t -v ON_ERROR_STOP=1 -d "$(url "$1")" -c "$2" 9>&-; }

case ${1:-} in
start) start ;;
stop) stop ;;
running) read_where && [ -n "$data" ] && running ;;
url) url "${2:-}"; echo ;;
psql) shift; exec "$(bin)/psql" -X "$(url)" "$@" ;;
remove) remove ;;
*) sed -n '2,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
