#!/bin/bash
# Bank files of any size, streamed: what is wrong is read to its end or refused, what is right is read whole and closes to the
# đồng; in little memory, never by a crash.
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

whole() { # WHAT: the bytes on standard input are one statement that proves itself
    local told status
    told=$(
        (ulimit -v "$memory_kb"; exec timeout 3600 "$lephi" statement parse - 2>&1) | tail -c 400
        exit "${PIPESTATUS[0]}"
    )
    status=$?
    if [ $status = 0 ] && grep -qE '"complete": ?true' <<<"$told"; then
        echo "ok $1: complete"
    else
        echo "not ok $1 (exit $status): $told"
        bad=1
    fi
}

# Right files as large as the wrong ones: the same entry again and again, and a closing balance that is their sum.
entry=$':61:2611211121C5,NTRFNONREF//FT26325000000\n:86:MBVCB.0123456789.QNWCGZQFVXPEV6 nop le phi.CT tu 0011'
count=$((bytes / (${#entry} + 1)))
{ printf '\n:20:H\n:25:1\n:28C:1\n:60F:C261121VND0,\n'; lines $((count * (${#entry} + 1))) "$entry"; printf ':62F:C261121VND%d,\n-\n' $((5 * count)); } |
    whole "MT940 of $count entries"
entry='<Ntry><Amt Ccy="VND">5</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-21</Dt></BookgDt><AcctSvcrRef>FT26325000000</AcctSvcrRef><AddtlNtryInf>QNWCGZQFVXPEV6 nop le phi</AddtlNtryInf></Ntry>'
balance() { printf '<Bal><Tp><CdOrPrtry><Cd>%s</Cd></CdOrPrtry></Tp><Amt Ccy="VND">%d</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-21</Dt></Dt></Bal>' "$@"; }
count=$((bytes / ${#entry}))
{ printf '<?xml version="1.0"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>1</MsgId></GrpHdr><Stmt><Id>1</Id><Acct><Id><Othr><Id>1</Id></Othr></Id><Ccy>VND</Ccy></Acct>'
  balance OPBD 0; balance CLBD $((5 * count)); filled $((count * ${#entry})) "$entry"; printf '</Stmt></BkToCstmrStmt></Document>'; } |
    whole "camt.053 of $count entries"

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
