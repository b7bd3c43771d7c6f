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
jq -n --arg commit "$(git describe --always --dirty)" --arg machine "$(uname -srm), $(nproc) cores" \
    '{commit: $commit, machine: $machine, benches: [inputs | {(input_filename | split("/")[-1] | rtrimstr(".json")): .}] | add}' \
    "$out"/*.json >build/bench.json 2>/dev/null || echo '{}' >build/bench.json
echo "build/bench.json"
exit $failed
