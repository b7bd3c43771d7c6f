#!/bin/bash
# The books as CSV, XLSX and PDF keep every Vietnamese letter: LibreOffice opens the first two, poppler reads the third.
# Prints TAP-like lines for tests/run.sh. Needs DATABASE_URL.
set -uo pipefail
binary=${TEST_BINARY:-build/lephi}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

check() { # WHAT COMMAND…
    if "${@:2}" >/dev/null 2>&1; then echo "ok $1"; else echo "not ok $1"; fi
}

psql -X -q "$DATABASE_URL" >/dev/null <<'SQL'
INSERT INTO agency (code, name_vi, tax_code, level) VALUES ('A1', 'Trung tâm', '5700100001', 'province');
INSERT INTO receiving_account (agency, bank_bin, account_number, account_name, source) VALUES ('A1', '970436', '0021000000001', 'TT', 'sandbox-bank');
INSERT INTO dossier (code, procedure, agency, channel, applicant_name, applicant_commune, submitted_at, registered_at, changed_at)
    VALUES ('H0001', '2.000635', 'A1', 'online', 'Nguyễn Thị Ánh', 'Phường Hạ Long', '2026-11-23T01:00Z', '2026-11-23T01:00Z', '2026-11-23T01:00Z');
SELECT request_make('2026-11-23T01:00Z', 'QNWCGZQFVXPEV6', 'H0001', 'filing', 8000, (SELECT id FROM receiving_account), '5700100001', sha256('x'), '{}',
    'test', '2026-11-23', NULL, 'payload', 'system:test', '2026-12-23T01:00Z', jsonb_build_array(jsonb_build_object('fee', 'HT-TRICHLUC', 'name',
    'Phí', 'kind', 'phi', 'gross', 16000, 'reduction', 8000, 'net', 8000, 'document', 'state_receipt', 'legal_basis', 'TT 281/2016',
    'reduction_basis', 'Người thuộc hộ nghèo: giảm 50 % (Điều 10 Luật Phí và lệ phí), ấp ợ ữ ẵ')));
SELECT confirm('2026-11-23T03:00Z', '{sandbox-bank}', '{cb1}', ARRAY[sha256('cb1')], '{8000}', '{0021000000001}', '{vietqr}', '{NULL}',
    '{QNWCGZQFVXPEV6}', '{2026-11-23T03:00Z}', '{NULL}', '{NULL}', ARRAY[NULL::bytea], '{1}', '{QNWCGZQFVXPEV6}', '{0}');
SQL

for format in json csv xlsx pdf; do
    check "the day's books as $format" "$binary" report daily --date 2026-11-23 --format "$format"
    "$binary" report daily --date 2026-11-23 --format "$format" >"$work/books.$format"
done
ground='Người thuộc hộ nghèo: giảm 50 % (Điều 10 Luật Phí và lệ phí), ấp ợ ữ ẵ'
check "the CSV holds the legal ground" grep -qF "$ground" "$work/books.csv"
for format in csv xlsx; do
    mkdir -p "$work/$format"
    soffice --headless -env:UserInstallation="file://$work/profile" --infilter='CSV:44,34,76,1' --convert-to csv:"Text - txt - csv (StarCalc)":44,34,76 \
        --outdir "$work/$format" "$work/books.$format" >/dev/null 2>&1
    check "LibreOffice keeps Vietnamese of the $format intact" grep -qF "$ground" "$work/$format/books.csv"
    check "and its amounts" grep -q '8.\?000' "$work/$format/books.csv"
done
check "the PDF holds the words" sh -c "pdftotext -layout '$work/books.pdf' - | grep -qF 'Người thuộc hộ nghèo'"
check "and embeds its font" sh -c "pdffonts '$work/books.pdf' | grep -q 'yes yes yes'"
"$binary" report daily --date 2026-11-23 --format xlsx >"$work/again.xlsx"
check "the same books are the same bytes" cmp "$work/books.xlsx" "$work/again.xlsx"
