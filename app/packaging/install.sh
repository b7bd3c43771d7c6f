#!/bin/bash
# Installs binary, SQL, pages, catalogue, units, man page and the sample configuration.
#
#   install.sh BUILD_FOLDER TARGET      (make install DESTDIR=… PREFIX=…: TARGET is $DESTDIR$PREFIX)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
build=$(cd "${1:?build folder}" && pwd -P)
target=${2:?target}
prefix=${PREFIX:-/usr/local}
share=$target/share/lephi
cd "$root"

tree() { # FROM TO PATTERN…: the files of a folder whose names match
    local from=$1 to=$2 file pattern
    shift 2
    [ -d "$from" ] || return 0
    for pattern in "$@"; do
        while IFS= read -r file; do
            install -D -m 644 "$from/$file" "$to/$file"
        done < <(cd "$from" && find . -type f -name "$pattern")
    done
}

install -D -m 755 "$build/lephi" "$target/bin/lephi"
# What an earlier version installed and this one no longer has must not be read: migrations are a folder.
rm -rf "$share"
tree sql "$share/sql" '*.sql'
tree app/pages "$share/pages" '*'
tree payments/catalogue "$share/catalogue" '*.csv' '*.json' '*.md'
install -D -m 644 payments/requests/banks.csv "$share/banks.csv"
tree postal "$share/postal" '*.csv'
tree core/province "$share/province" '*.csv'
install -D -m 644 app/packaging/lephi.conf "$share/lephi.conf"
install -D -m 644 app/packaging/lephi.1 "$target/share/man/man1/lephi.1"
for unit in lephi.service lephi-reconcile.service lephi-reconcile.timer; do
    install -d "$target/lib/systemd/system"
    sed "s#@PREFIX@#$prefix#g" "app/packaging/$unit" >"$target/lib/systemd/system/$unit"
    chmod 644 "$target/lib/systemd/system/$unit"
done
