#!/bin/bash
# A room includes only rooms on lower floors, and of them only the public header: <room>/<room>.h (of core: any).
#
#   floors.sh [FILE…]     default: every C file git knows
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

[ $# -gt 0 ] || mapfile -t files < <(git ls-files -co --exclude-standard '*.c' '*.h')
grep -HnE '^#include "' "${@:-${files[@]}}" /dev/null | awk -F: '
    BEGIN {
        floor["core"] = 0; floor["payments/fees"] = 1; floor["payments/requests"] = 2; floor["payments/sources"] = 3
        floor["payments/ledger"] = 4; floor["payments/counter"] = 5; floor["payments/notices"] = 5.5; floor["receipts"] = 6; floor["postal"] = 6; floor["reconciliation"] = 7; floor["app"] = 8
        # Programs of their own that stand outside the house and use the public headers.
        floor["tests/sandbox"] = 9; floor["tests/demo"] = 9
    }
    function room_of(path,   parts) {
        split(path, parts, "/")
        return parts[1] == "payments" || parts[1] == "tests" ? parts[1] "/" parts[2] : parts[1]
    }
    function public_header(room,   parts, n) { n = split(room, parts, "/"); return room "/" parts[n] ".h" }
    {
        from = room_of($1); header = $3; sub(/^#include "/, "", header); sub(/".*/, "", header); to = room_of(header)
        if (!(from in floor) || from == to) next
        why = ""
        if (!(to in floor)) why = "is no room (include from the root)"
        else if (floor[to] > floor[from]) why = "stands on a higher floor"
        else if (floor[to] == floor[from]) why = "stands on the same floor"
        else if (to != "core" && header != public_header(to)) why = "is private to " to
        if (to ~ /^tests\// && from ~ /^tests\//) why = ""
        if (why) { print $1 ":" $2 ": " header " " why; bad = 1 }
    }
    END { exit bad }'
