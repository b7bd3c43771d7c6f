#!/bin/bash
# Installs the Debian 12 packages that are missing, and nothing else.
#
#   packages.sh run     what building and running lephi needs
#   packages.sh test    that, and what the tests, benches and lint need
#
# As root, or as a user with sudo. Without anything missing it answers in milliseconds and asks nobody.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)

run_packages=(
    gcc libc6-dev make pkg-config ca-certificates openssl util-linux procps curl
    libpq-dev libssl-dev libcurl4-openssl-dev libqrencode-dev libjansson-dev libmicrohttpd-dev libexpat1-dev libzip-dev libxml2-dev
    libxmlsec1-dev libpng-dev libpango1.0-dev libxlsxwriter-dev libzint-dev libp11-kit-dev
    fonts-dejavu-core fonts-noto-core        # both have every Vietnamese letter; receipts and labels embed them
    postgresql-15
)
test_packages=(
    clang clang-format clang-tidy cppcheck libclang-rt-14-dev llvm libcmocka-dev xmlsec1 zbar-tools poppler-utils
    qpdf libreoffice-calc-nogui softhsm2 opensc wrk libxml2-utils git jq openssh-client libwrap0
)

installed() {
    { dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true; } | sed -n 's/^installed //p'
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        env "$@"
    elif command -v sudo >/dev/null; then
        sudo env "$@"
    else
        echo "packages.sh: root or sudo is needed to install: ${missing[*]}" >&2
        exit 1
    fi
}

# Debian's package makes a cluster of its own when it is first installed, unless this file says no. It is needed only
# at that moment, so it goes again and nothing but packages stays behind.
no_cluster=/etc/postgresql-common/createcluster.d/lephi-no-cluster.conf

install_missing() {
    echo "packages.sh: installing ${missing[*]}" >&2
    local quiet=(DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300)
    if [[ " ${missing[*]} " == *" postgresql-15 "* ]]; then
        as_root mkdir -p "$(dirname "$no_cluster")"
        echo 'create_main_cluster = false' | as_root tee "$no_cluster" >/dev/null
        trap 'as_root rm -f "$no_cluster"; as_root rmdir --ignore-fail-on-non-empty "${no_cluster%/*}"' EXIT
    fi
    as_root "${quiet[@]}" update >&2
    as_root "${quiet[@]}" install --no-install-recommends "${missing[@]}" >&2
}

# The peers of the tests, in tests/node_modules, exactly as tests/package-lock.json names them.
install_node_peers() {
    [ -f "$root/tests/package-lock.json" ] || return 0
    local stamp=$root/tests/node_modules/.lephi-lock
    cmp -s "$root/tests/package-lock.json" "$stamp" && return
    (cd "$root/tests" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
    cp "$root/tests/package-lock.json" "$stamp"
}

# An SFTP server for the tests. Installing the package would start a door of its own on this machine, so it is only
# unpacked into build/; the tests start it on loopback, unprivileged, with keys of their own.
unpack_sshd() {
    local sshd=$root/build/tools/openssh
    [ -x /usr/sbin/sshd ] || [ -x "$sshd/usr/sbin/sshd" ] && return
    echo "packages.sh: unpacking openssh-server into build/tools" >&2
    local work
    work=$(mktemp -d)
    chmod 755 "$work"
    if (cd "$work" && apt-get -q download openssh-server >&2); then
        mkdir -p "$sshd"
        dpkg-deb -x "$work"/openssh-server_*.deb "$sshd"
    fi
    rm -rf "$work"
}

case ${1:-} in
run) wanted=("${run_packages[@]}") ;;
test)
    wanted=("${run_packages[@]}" "${test_packages[@]}")
    command -v chromium >/dev/null || wanted+=(chromium)
    command -v node >/dev/null || wanted+=(nodejs)
    command -v npm >/dev/null || wanted+=(npm)
    ;;
*) sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null; then
    echo "packages.sh: this is no Debian; install yourself: ${wanted[*]}" >&2
    exit 0
fi
present=" $(installed "${wanted[@]}" | tr '\n' ' ')"
missing=()
for package in "${wanted[@]}"; do
    [[ $present == *" $package "* ]] || missing+=("$package")
done
[ ${#missing[@]} = 0 ] || install_missing
[ "$1" = run ] || unpack_sshd
[ "$1" = run ] || install_node_peers
