#!/bin/bash
# The long volumes, one step after the other, each remembered in build/test-full/ under the commit it passed on: a run that
# is stopped goes on where it was. build/test-full.json says what was done, with which seeds, and how it ended.
#
# FULL_KILLS (200) · FULL_SEEDS (20) runs of the random tests with seeds of their own · FULL_FUZZ_SECONDS (600) a target
# FULL_LINES (1000000) lines of the large statement · FULL_LEAVES (1000000) leaves of the receipts' log
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root" || exit 1
kills=${FULL_KILLS:-200} seeds=${FULL_SEEDS:-20} fuzz_s=${FULL_FUZZ_SECONDS:-600} lines=${FULL_LINES:-1000000}
leaves=${FULL_LEAVES:-1000000}
commit=$(git rev-parse HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain 2>/dev/null)" ] || commit=$commit-dirty
folder=$root/build/test-full/$commit
mkdir -p "$folder"
failed=0

# A step runs once per commit; its log and result stay in the folder.
step() { # NAME SEED COMMAND…
    local name=$1 seed=$2 started=$SECONDS status
    if [ -f "$folder/$name.json" ] && jq -e '.passed' "$folder/$name.json" >/dev/null; then
        echo "  done   $name"
        return
    fi
    "${@:3}" >"$folder/$name.log" 2>&1
    status=$?
    jq -n --arg name "$name" --arg seed "$seed" --argjson status $status --argjson seconds $((SECONDS - started)) \
        --arg said "$(grep -aE 'kills|passed|failed|runs|DONE|lines|leaves' "$folder/$name.log" | tail -n 4)" \
        '{name: $name, seed: $seed, passed: ($status == 0), status: $status, seconds: $seconds, said: $said}' >"$folder/$name.json"
    [ $status = 0 ] && echo "  ok     $name ($((SECONDS - started)) s)" && return
    echo "  FAILED $name: $folder/$name.log"
    failed=1
}

# A statement of $lines movements that closes, read in constant memory: peak resident size under 50 MB.
large_statement() {
    local file=$folder/large.mt940
    awk -v n="$lines" 'BEGIN {
        print ":20:LARGE\n:25:1014000000011\n:28C:1/1\n:60F:C261123VND0,"
        for (i = 1; i <= n; i++)
            printf ":61:2611231123C%d,NTRFQN%010d//FT%014d\n:86:MBVCB.%d.QN%010d.CT tu 0071000123456 NGUYEN VAN A\n", i % 900 + 100, i, i, i, i
        for (i = 1; i <= n; i++) s += i % 900 + 100
        printf ":62F:C261123VND%.0f,\n-\n", s }' >"$file"
    /usr/bin/env bash -c 'ulimit -v 400000; exec build/lephi statement parse "$0"' "$file" >"$folder/large.json" || return 1
    local read
    read=$(grep -o '"booked_on"' "$folder/large.json" | wc -l)
    echo "lines read: $read of $lines"
    rm -f "$file"
    tail -c 200 "$folder/large.json" >"$folder/large.tail" && rm -f "$folder/large.json"
    [ "$read" = "$lines" ]
}

make --no-print-directory -j"$(nproc)" binaries || exit 1
make --no-print-directory -j"$(nproc)" MODE=fuzz fuzz-programs || exit 1
echo "test-full of $commit"
step tests none bash tests/run.sh
step kills "$RANDOM" env TEST_KILLS="$kills" TEST_TIMEOUT_S=7200 bash tests/run.sh flow/kill_test
for ((i = 1; i <= seeds; i++)); do
    step "seed-$i" "$i" env TEST_SEED="$i" TEST_KILLS=10 bash tests/run.sh flow/kill_test flow/request_life_test requests/reference_test
done
step fuzz none bash tests/fuzz/run.sh "$fuzz_s"
step large-statement none large_statement
step huge-files none bash tests/huge_files.sh
step receipt-log none env TEST_LEAVES="$leaves" TEST_TIMEOUT_S=7200 bash tests/run.sh flow/receipts_log_many_test
step new-year "$RANDOM" env TEST_KILLS=40 TEST_TIMEOUT_S=1200 bash tests/run.sh flow/receipts_new_year_test
jq -s --arg commit "$commit" '{commit: $commit, passed: (map(.passed) | all), steps: .}' "$folder"/*.json >build/test-full.json
jq -r '"\(.steps | map(select(.passed)) | length) passed, \(.steps | map(select(.passed | not)) | length) failed, 0 skipped"' build/test-full.json
exit $failed
