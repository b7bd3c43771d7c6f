#!/bin/bash
# Formatting, static analysis, floors, SQL and shell rules. Every check runs; the end says which failed.
#
#   run.sh [CHECK…]       format floors sql shell words tidy cppcheck (default: all)
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cd "$root" || exit 1
mapfile -t sources < <(git ls-files -co --exclude-standard '*.c')
mapfile -t all < <(git ls-files -co --exclude-standard '*.c' '*.h')
flags=(-std=gnu11 -I. -D_GNU_SOURCE '-DLEPHI_VERSION="lint"' '-DLEPHI_PREFIX="/usr/local"')
packages=(libpq openssl expat libcurl libqrencode jansson libmicrohttpd libxml-2.0 xmlsec1-openssl libpng pangocairo)

check_format() { clang-format --dry-run -Werror "${all[@]}"; }
check_floors() { bash tests/lint/floors.sh; }
check_sql() { bash tests/lint/sql.sh; }
check_shell() {
    local file bad=0
    for file in $(git ls-files -co --exclude-standard '*.sh') .ci/run; do bash -n "$file" || bad=1; done
    return $bad
}
# Unfinished work and paths of one machine do not belong into the tree.
check_words() { ! git grep -nIE '\b(TODO|FIXME|XXX)\b|/home/[a-z]+/' -- ':!tests/lint/run.sh' ':!tests/package-lock.json'; }
check_tidy() {
    local package_flags
    read -ra package_flags < <(pkg-config --cflags "${packages[@]}" | sed 's/-DXMLSEC_DL_LIBLTDL=1//')
    printf '%s\n' "${sources[@]}" | grep -vE '^tests/(unit|flow|audit|fuzz|bench)/' |
        xargs -r -P "$(nproc)" -n 4 sh -c 'clang-tidy --quiet "$@" 2>/dev/null' tidy "${flags[@]/#/--extra-arg=}" \
            "${package_flags[@]/#/--extra-arg=}"
}
check_cppcheck() {
    cppcheck --quiet --std=c11 --language=c --enable=warning,portability --inline-suppr --error-exitcode=1 -j "$(nproc)" \
        --suppress=missingIncludeSystem --suppress=nullPointerArithmetic --suppress=va_list_usedBeforeStarted \
        -I. -DLEPHI_VERSION='"lint"' -DLEPHI_PREFIX='"/usr/local"' -D_GNU_SOURCE \
        $(find core payments receipts postal reconciliation app -name '*.c' 2>/dev/null)
}

failed=()
for check in "${@:-format floors sql shell words tidy cppcheck}"; do
    for one in $check; do
        if "check_$one"; then echo "lint: $one ok"; else echo "lint: $one FAILED"; failed+=("$one"); fi
    done
done
[ ${#failed[@]} = 0 ]
