#!/bin/bash
# Programs that are not ours judge what we sign and what we prove: xmlsec1, npm xml-crypto, openssl, and Merkle trees
# built in JavaScript by the definitions of RFC 9162 alone.
set -u
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)
lephi=${TEST_BINARY:-$root/build/lephi}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
tell() { # NAME COMMAND…
    if "${@:2}" >out 2>&1; then echo "ok $1"; else
        echo "not ok $1"
        sed 's/^/# /' out
    fi
}
fails() { ! "$@"; }
subject='/C=VN/CN=Trung tâm Phục vụ hành chính công/UID=MST:5702101234'
for kind in rsa p256; do
    if [ $kind = rsa ]; then openssl genrsa -out $kind.key 2048 2>/dev/null; else openssl ecparam -name prime256v1 -genkey -noout -out $kind.key; fi
    openssl req -x509 -key $kind.key -subj "$subject" -utf8 -days 30 -out $kind.pem 2>/dev/null
    "$lephi" receipt sign "$root/tests/fuzz/corpus/receipt_verify/unsigned" --key $kind.key --cert $kind.pem >$kind.xml
    tell "$kind: lephi verifies it" "$lephi" receipt verify $kind.xml --trust $kind.pem
    tell "$kind: xmlsec1 verifies it" xmlsec1 --verify --trusted-pem $kind.pem --id-attr:Id DuLieuBienLai \
        --id-attr:Id http://www.w3.org/2000/09/xmldsig#:Object $kind.xml
    tell "$kind: xml-crypto verifies both references" node "$root/tests/unit/receipts/peers.mjs" signature $kind.xml $kind.pem
    sed 's/<TongTien>[0-9]*/<TongTien>1/' $kind.xml >bent.xml
    tell "$kind: an altered amount is refused by lephi" fails "$lephi" receipt verify bent.xml --trust $kind.pem
    tell "$kind: an altered amount is refused by xml-crypto" fails node "$root/tests/unit/receipts/peers.mjs" signature bent.xml $kind.pem
done
node "$root/tests/unit/receipts/peers.mjs" tree rsa.key rsa.pem || echo "not ok the JavaScript trees"
for name in good-*.json; do tell "a proof made by JavaScript holds: $name" "$lephi" receipt check-proof "$name" --trust rsa.pem; done
for name in bad-*.json; do tell "a bent proof does not: $name" fails "$lephi" receipt check-proof "$name"; done
for name in grown-*.json; do tell "growth proved by JavaScript holds: $name" "$lephi" receipt check-log old-"${name#grown-}" new-"${name#grown-}" "$name" --trust rsa.pem; done
for name in shrunk-*.json; do tell "a rewritten past does not: $name" fails "$lephi" receipt check-log old-"${name#shrunk-}" forged-"${name#shrunk-}" "$name" --trust rsa.pem; done
