#!/bin/bash
# Every test against programs with sanitizers and a private PostgreSQL (real fsync): unit, flow, audit, scripts,
# replayed fuzz corpora, browser. Ends with "N passed, N failed, N skipped"; non-zero when one failed.
#
#   run.sh [WORD…]      only programs whose path contains one of the words
#
# TEST_KILLS, TEST_SEED for the tests that have them · TEST_JOBS (2) programs at once · TEST_TIMEOUT_S (600) per program · logs in build/test-logs/
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root" || exit 1
export RUN_DIR=$root/build/test-run
logs=$root/build/test-logs
postgres=$root/app/run/postgres.sh
words=("$@")

# The caller's settings are not the tests'.
for name in $(compgen -e | grep -E '^(LEPHI_|DATABASE_URL$|PG)'); do unset "$name"; done
export ASAN_OPTIONS=abort_on_error=1:detect_stack_use_after_return=1:strict_string_checks=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export LSAN_OPTIONS=suppressions=$root/tests/lsan.supp:print_suppressions=0
export LC_ALL=C.UTF-8 CMOCKA_MESSAGE_OUTPUT=STDOUT
export TEST_BINARY=$root/build/san/lephi TEST_SANDBOX=$root/build/san/lephi-sandbox
export TEST_TIMEOUT_S=${TEST_TIMEOUT_S:-600}

build() {
    make --no-print-directory -j"$(nproc)" MODE=san binaries unit-programs flow-programs || exit 1
    make --no-print-directory -j"$(nproc)" MODE=fuzz fuzz-programs || exit 1
}

start_database() {
    bash "$postgres" start || exit 1
    trap 'bash "$postgres" stop' EXIT
    sql 'DROP DATABASE IF EXISTS template_lephi' 'CREATE DATABASE template_lephi' || exit 1
    DATABASE_URL=$(bash "$postgres" url template_lephi) "$TEST_BINARY" migrate >"$logs/migrate.log" 2>&1 && return
    cat "$logs/migrate.log"
    echo "the migrations failed"
    exit 1
}

sql() {
    local arguments=() one
    for one in "$@"; do arguments+=(-c "$one"); done
    bash "$postgres" psql -q -v ON_ERROR_STOP=1 "${arguments[@]}" 2>&1 | grep -v 'does not exist, skipping'
    return "${PIPESTATUS[0]}"
}

# What runs, one "kind path" a line.
list() {
    find tests/unit -name '*_test.c' 2>/dev/null | sed 's/^/unit /'
    find tests/flow tests/audit -name '*_test.c' 2>/dev/null | sed 's/^/flow /'
    find tests/unit tests/flow tests/audit -name '*_test.sh' 2>/dev/null | sed 's/^/script /'
    find tests/fuzz -name '*_fuzz.c' 2>/dev/null | sed 's/^/fuzz /'
    find tests/browser -maxdepth 1 -name '*_test.mjs' 2>/dev/null | sed 's/^/browser /'
}

chosen() {
    [ $# = 0 ] && { sort; return; }
    local pattern
    pattern=$(printf '%s|' "$@")
    sort | grep -E "${pattern%|}"
}

# A database of its own for what asks for one: DATABASE_URL, cloned before and dropped after.
with_database() { # NAME COMMAND…
    sql "DROP DATABASE IF EXISTS $1 WITH (FORCE)" "CREATE DATABASE $1 TEMPLATE template_lephi" || return 1
    DATABASE_URL=$(bash "$postgres" url "$1") "${@:2}"
    local status=$?
    sql "DROP DATABASE $1 WITH (FORCE)"
    return $status
}

# passed failed skipped, out of what the program said; a program that dies, or says nothing, has failed once.
count() { # KIND LOG STATUS
    local passed=0 failed=0 skipped=0
    case $1 in
    unit | flow)
        passed=$(sed -nE 's/^\[  PASSED  \] ([0-9]+) test.*/\1/p' "$2" | awk '{n += $1} END {print n + 0}')
        failed=$(sed -nE 's/^\[  FAILED  \].* ([0-9]+) test\(s\), listed below.*/\1/p' "$2" | awk '{n += $1} END {print n + 0}')
        skipped=$(sed -nE 's/^\[  SKIPPED \].* ([0-9]+) test\(s\), listed below.*/\1/p' "$2" | awk '{n += $1} END {print n + 0}')
        ;;
    browser)
        passed=$(sed -nE 's/^# pass ([0-9]+)$/\1/p' "$2" | tail -n 1)
        failed=$(sed -nE 's/^# fail ([0-9]+)$/\1/p' "$2" | tail -n 1)
        skipped=$(sed -nE 's/^# skipped ([0-9]+)$/\1/p' "$2" | tail -n 1)
        ;;
    script)
        passed=$(grep -c '^ok ' "$2")
        failed=$(grep -c '^not ok ' "$2")
        ;;
    fuzz) [ "$3" = 0 ] && passed=1 ;;
    esac
    passed=${passed:-0} failed=${failed:-0} skipped=${skipped:-0}
    [ "$3" != 0 ] && [ "$failed" = 0 ] && failed=1
    [ $((passed + failed + skipped)) = 0 ] && failed=1
    echo "$passed $failed $skipped"
}

run_one() { # KIND PATH
    local kind=$1 path=$2 name log command status started=$SECONDS
    name=${path#tests/} name=${name%.*}
    log=$logs/${name//\//-}.log
    case $kind in
    unit | flow) command=("build/san/tests/$name") ;;
    script) command=(bash "$path") ;;
    fuzz)
        local corpus=tests/fuzz/corpus/$(basename "${path%_fuzz.c}")
        mkdir -p "$corpus"
        command=("build/fuzz/tests/$name" -runs=0 -timeout=20 -rss_limit_mb=4096 "$corpus")
        ;;
    browser) command=(node --test --test-reporter=tap "$path") ;;
    esac
    command=(timeout --kill-after=10 "$TEST_TIMEOUT_S" "${command[@]}")
    if [ "$kind" = browser ] || { [ "$kind" != fuzz ] && grep -qE 'support/database\.h|DATABASE_URL' "$path"; }; then
        with_database "test_$(md5sum <<<"$name" | cut -c 1-16)" "${command[@]}" >"$log" 2>&1 </dev/null
    else
        "${command[@]}" >"$log" 2>&1 </dev/null
    fi
    status=$?
    local counts
    counts=$(count "$kind" "$log" "$status")
    echo "$counts" >"$log.counts"
    case $counts in
    *\ 0\ *) printf '  ok     %-60s %s (%d s)\n' "$name" "${counts%% *}" $((SECONDS - started)) ;;
    *)
        printf '  FAILED %-60s exit %d, %s\n' "$name" "$status" "$log"
        grep -aE '^\[  (FAILED|ERROR) +\]|^\[   LINE   \]|^not ok|error:|ERROR: |runtime error|SUMMARY' "$log" | head -n 20 | sed 's/^/         /'
        ;;
    esac
}

mkdir -p "$logs"
rm -f "$logs"/*.counts
build
start_database
export -f run_one count with_database sql
export logs postgres root
list | chosen ${words[@]+"${words[@]}"} | xargs -r -P "${TEST_JOBS:-2}" -L 1 bash -c 'run_one "$0" "$1"'
cat "$logs"/*.counts 2>/dev/null |
    awk '{p += $1; f += $2; s += $3} END {printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 || p == 0}'
