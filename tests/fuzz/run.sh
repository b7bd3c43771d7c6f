#!/bin/bash
# Every fuzz target (or those named) for some seconds, two at a time, starting from its corpus.
#
#   run.sh SECONDS [NAME…]
#
# What is found new goes to build/fuzz-corpus/NAME, inputs that break a target to build/fuzz-artifacts/NAME-….
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cd "$root" || exit 1
export seconds=${1:-60}
shift
export ASAN_OPTIONS=abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export LSAN_OPTIONS=suppressions=$root/tests/lsan.supp:print_suppressions=0

run_one() {
    local name=$1 log=build/fuzz-artifacts/$1.log
    mkdir -p "build/fuzz-corpus/$name" "tests/fuzz/corpus/$name" build/fuzz-artifacts
    if "build/fuzz/tests/fuzz/${name}_fuzz" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -print_final_stats=1 \
        -artifact_prefix="build/fuzz-artifacts/$name-" "build/fuzz-corpus/$name" "tests/fuzz/corpus/$name" >"$log" 2>&1; then
        printf '  ok     %-24s %s runs\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
    else
        printf '  BROKEN %-24s %s\n' "$name" "$log"
        tail -n 30 "$log"
        return 1
    fi
}
export -f run_one

names=("$@")
[ ${#names[@]} -gt 0 ] || mapfile -t names < <(find tests/fuzz -name '*_fuzz.c' -printf '%f\n' | sed 's/_fuzz\.c$//' | sort)
printf '%s\n' "${names[@]}" | xargs -r -P 2 -n 1 bash -c 'run_one "$0"' || exit 1
