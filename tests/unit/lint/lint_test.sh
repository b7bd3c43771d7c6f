#!/bin/bash
# The rules of our own lint refuse what they are for, and nothing else.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.." || exit 1
root=$PWD
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder"/{tests/lint,payments/fees,receipts,postal,app,sql,core/base}
cp tests/lint/*.sh "$folder/tests/lint/"
cd "$folder" || exit 1

accepts() { if bash tests/lint/"$2".sh "$3" >/dev/null; then echo "ok - $1"; else echo "not ok - $1"; fi; }
refuses() { if bash tests/lint/"$2".sh "$3" >/dev/null; then echo "not ok - $1"; else echo "ok - $1"; fi; }

echo '#include "core/base/text.h"' >payments/fees/a.c
accepts "a room may include any header of core" floors payments/fees/a.c
echo '#include "payments/fees/fees.h"' >receipts/a.c
accepts "a room may include the public header of a lower floor" floors receipts/a.c
echo '#include "payments/fees/formula.h"' >receipts/a.c
refuses "a private header of another room is refused" floors receipts/a.c
echo '#include "receipts/receipts.h"' >payments/fees/a.c
refuses "a header of a higher floor is refused" floors payments/fees/a.c
echo '#include "receipts/receipts.h"' >postal/a.c
refuses "receipts and postal do not include each other" floors postal/a.c
echo '#include "payments/fees/fees.h"' >core/base/a.c
refuses "core includes nothing above it" floors core/base/a.c

good='CREATE FUNCTION f(at timestamptz) RETURNS int LANGUAGE sql SET search_path FROM CURRENT AS $$ SELECT 1 $$;'
echo "$good -- unlike now()" >sql/a.sql
accepts "a function that is told the time is accepted" sql sql/a.sql
echo "SELECT now();" >sql/a.sql
refuses "now() is refused" sql sql/a.sql
echo "SELECT clock_timestamp(); -- lease of a job" >sql/a.sql
accepts "a lease may ask the time" sql sql/a.sql
echo "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';" >sql/a.sql
refuses "a function without its schema is refused" sql sql/a.sql
printf '%s\n' "CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1';" "$good" >sql/a.sql
refuses "another function's schema does not count" sql sql/a.sql
[ "$root" != "$PWD" ]
