#!/bin/bash
# Secrets and demo certificates in .run, made once: server secret, sandbox secret, and for each agency of a list of
# agencies (agencies.csv: any field of ten digits is the tax code) a key and a certificate from a demo authority.
#
#   secrets.sh AGENCIES.csv     writes RUN_DIR/secret, RUN_DIR/sandbox-secret, RUN_DIR/pki/…
#
# A province uses certificates of a licensed certification authority instead (Decree 23/2025/NĐ-CP): lephi.conf,
# [receipts.TAX_CODE]. The subject carries the collector as UID=MST:<tax code>, as those authorities write it.
set -euo pipefail
umask 077

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
RUN_DIR=${RUN_DIR:-$(cd "$here/../.." && pwd -P)/.run}
pki=$RUN_DIR/pki
mkdir -p "$pki"

secret() { [ -s "$RUN_DIR/$1" ] || { openssl rand -hex 32 >"$RUN_DIR/$1.new" && mv "$RUN_DIR/$1.new" "$RUN_DIR/$1"; }; }
secret secret
secret sandbox-secret

# Valid over decades, so that training systems may live on another day.
cat >"$pki/ca.cnf" <<CONF
[ca]
default_ca = demo
[demo]
dir = $pki
database = \$dir/index.txt
new_certs_dir = \$dir
serial = \$dir/serial
default_md = sha256
policy = any
unique_subject = no
email_in_dn = no
[any]
countryName = optional
commonName = supplied
UID = optional
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[agency]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature, nonRepudiation
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[req]
distinguished_name = none
[none]
CONF

quietly() { "$@" >"$pki/openssl.log" 2>&1 || { cat "$pki/openssl.log" >&2; return 1; }; }

request() { # KEY SUBJECT REQUEST
    quietly openssl req -new -config "$pki/ca.cnf" -utf8 -key "$1" -subj "$2" -out "$3"
}

sign() { # EXTENSIONS REQUEST CERTIFICATE [OPTION…]
    quietly openssl ca -batch -config "$pki/ca.cnf" -extensions "$1" -in "$2" -out "$3.new" -notext \
        -startdate 20200101000000Z -enddate 20491231235959Z "${@:4}"
    mv "$3.new" "$3"
}

authority() {
    [ -s "$pki/ca.pem" ] && return
    : >"$pki/index.txt"
    openssl rand -hex 16 >"$pki/serial"
    quietly openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$pki/ca.key"
    request "$pki/ca.key" "/C=VN/CN=LEPHI DEMO CA (khong co gia tri phap ly)" "$pki/ca.csr"
    sign authority "$pki/ca.csr" "$pki/ca.pem" -selfsign -keyfile "$pki/ca.key"
    chmod 644 "$pki/ca.pem"
}

agency() { # TAX_CODE NAME
    local name=$pki/$1
    [ -s "$name.pem" ] && return
    quietly openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$name.key"
    request "$name.key" "/C=VN/CN=${2//\//-}/UID=MST:$1" "$name.csr"
    sign agency "$name.csr" "$name.pem" -keyfile "$pki/ca.key" -cert "$pki/ca.pem"
}

authority
while IFS= read -r line; do
    tax_code=$(grep -oE '(^|,)[0-9]{10}(-[0-9]{3})?(,|$)' <<<"$line" | head -n 1 | tr -d ,) || continue
    name=$(sed -E 's/^[^,]*,("([^"]*)"|([^,]*)),.*/\2\3/' <<<"$line")
    agency "$tax_code" "$name"
done < <(tail -n +2 "${1:?agencies.csv}")
