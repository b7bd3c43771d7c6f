#!/bin/bash
# Bank files of any size that are wrong, streamed: read to their end or refused, in little memory, never by a crash.
#
#   huge_files.sh [BYTES]      each (default 2 GiB); LEPHI (build/lephi) is the program, HUGE_MEMORY_KB (200000) its bound
set -uo pipefail
bytes=${1:-2147483648}
lephi=${LEPHI:-build/lephi}
memory_kb=${HUGE_MEMORY_KB:-200000}
bad=0

filled() { # BYTES TEXT: the text again and again
    yes "$2" 2>/dev/null | tr -d '\n' | head -c "$1"
}

lines() { # BYTES TEXT: a line again and again
    yes "$2" 2>/dev/null | head -c "$1"
}

reads() { # WHAT WORDS: the bytes on standard input end with exit 0 or 1, and the words are told
    local told status
    told=$(
        (ulimit -v "$memory_kb"; exec timeout 3600 "$lephi" statement parse - 2>&1 >/dev/null) | tail -c 400
        exit "${PIPESTATUS[0]}"
    )
    status=$?
    if [ $status -le 1 ] && [[ $told == *"$2"* ]]; then
        echo "ok $1: exit $status ${told:0:160}"
    else
        echo "not ok $1 (exit $status): $told"
        bad=1
    fi
}

head='
:20:H
:25:1
:28C:1
:60F:C261121VND0,
'
{ printf '%s:61:2611211121C5,NTRF\n:86:' "$head"; filled "$bytes" 'lời nhắn '; } | reads "one line of MT940 that never ends" ""
{ printf '%s' "$head"; filled "$bytes" ':61:2611211121C1,NTRF' | tr 'F' '\r'; } | reads "MT940 with bare CR and no closing balance" ""
{ printf '<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Ntry><AddtlNtryInf>'
  filled "$bytes" 'chữ '; } | reads "camt with one text that never ends" "lephi"
{ printf '<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08" a="'
  filled "$bytes" 'x'; } | reads "camt with one attribute that never ends" "lephi"
{ printf 'Ngày giao dịch,Số tham chiếu,Số tiền ghi nợ,Số tiền ghi có,Mô tả\n21/11/2026,A,,5,"'; filled "$bytes" 'trong ngoặc '; } |
    reads "CSV with a quote nobody closed" "lephi"
{ lines "$bytes" 'mot;hai;ba;bon'; } | reads "CSV without a header" "no_header"
{ printf '<html><table>'; filled "$bytes" '<tr><td>x'; } | reads "an HTML table that never ends" "lephi"
exit $bad
