#!/bin/bash
# Rules of the SQL: it never asks the time (functions take `at`; leases of jobs are marked "-- lease"), and every
# function keeps the schema it was made in (SET search_path FROM CURRENT), so that one schema is one province.
#
#   sql.sh [FILE…]        default: sql/*.sql
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
[ $# -gt 0 ] || set -- sql/*.sql
awk '
    FNR == 1 { if (open) missing(); open = 0 }
    function missing() { print place ": the function has no SET search_path FROM CURRENT"; bad = 1 }
    { code = tolower($0); comment = index(code, "--"); if (comment) code = substr(code, 1, comment - 1) }
    code ~ /(^|[^a-z_])(now\(\)|current_timestamp|clock_timestamp|statement_timestamp|transaction_timestamp|localtimestamp|current_date|current_time)([^a-z_]|$)/ &&
        $0 !~ /-- lease/ { print FILENAME ":" FNR ": asks the time"; bad = 1 }
    code ~ /create (or replace )?(function|procedure)/ { if (open) missing(); open = 1; place = FILENAME ":" FNR }
    code ~ /set search_path from current/ { open = 0 }
    END { if (open) missing(); exit bad }' "$@"
