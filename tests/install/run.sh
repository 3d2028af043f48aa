#!/bin/sh
# What `meson install` lays down serves a program outside the tree: found by pkg-config, linked shared and static, run.
# The library exports names that start with ks_ and no others. usage: tests/install/run.sh BUILD
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$1
cc=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

try() { # NAME COMMAND...
    name=$1
    shift
    if "$@" >"$work/output" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $name" >&2
        sed 's/^/    /' "$work/output" >&2
    fi
}

DESTDIR=$work/root meson install -C "$build" --no-rebuild --quiet >"$work/output" 2>&1 || { cat "$work/output" >&2; exit 1; }
module=$(find "$work/root" -name keisan.pc)
prefix=$work/root$(sed -n 's/^prefix=//p' "$module")
sed -i "s|^prefix=.*|prefix=$prefix|" "$module"
PKG_CONFIG_PATH=$(dirname "$module")
export PKG_CONFIG_PATH
libraries=$(dirname "$PKG_CONFIG_PATH")
shared=$libraries/libkeisan.so
flags=$(pkg-config --cflags keisan)

# A sanitized library needs its runtime in the program too.
sanitize=$(meson introspect "$build" --buildoptions | tr '{' '\n' | sed -n 's/.*"name": "b_sanitize", "value": "\([a-z,]*\)".*/\1/p')
[ -z "$sanitize" ] || [ "$sanitize" = none ] || flags="$flags -fsanitize=$sanitize"

answers_as_the_book() {
    LD_LIBRARY_PATH=$libraries "$1" && [ "$(LD_LIBRARY_PATH=$libraries "$1")" = "715 2.2" ]
}

carries_its_version() {
    soname=$(readelf -d "$shared" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
    echo "SONAME is '$soname'"
    [ "$soname" = libkeisan.so.0 ] && [ -e "$libraries/$soname" ] && [ "$(pkg-config --modversion keisan)" = "$(LD_LIBRARY_PATH=$libraries "$prefix"/bin/keisan --version | sed 's/.* //')" ]
}

exports_only_its_own() {
    nm -D --defined-only "$shared" | awk '$3 !~ /^ks_[a-z]/ && $2 != "A" { print; bad = 1 } END { exit bad }'
}

hides_what_is_private() {
    ! nm -D --defined-only "$shared" | grep ' ks__'
}

installs_every_header() {
    for header in "$here"/../../include/keisan/*.h; do
        cmp "$header" "$prefix/include/keisan/$(basename "$header")" || return 1
    done
}

cat >"$work/apples.c" <<'END'
#include <keisan/keisan.h>
#include <stdio.h>

int main(void)
{
    ks_graph *g = ks_graph_new(NULL);
    ks_node *apple = ks_variable(g, "apple", KS_F64, KS_SCALAR, KS_FILL(100)), *oranges = ks_number(g, 150 * 3);
    ks_node *price = ks_mul(ks_add(ks_mul(apple, ks_number(g, 2)), oranges), ks_number(g, 1.1));
    printf("%.10g %.10g\n", ks_scalar(price), ks_scalar(ks_gradient(price, apple)));
    ks_graph_free(g);
}
END

# shellcheck disable=SC2046,SC2086
{
    try "a program compiles and links against the shared library" "$cc" -Wall -Werror "$work/apples.c" -o "$work/shared" $flags $(pkg-config --libs keisan)
    try "it runs" answers_as_the_book "$work/shared"
    rm -f "$libraries"/libkeisan.so
    try "a program links against the static library" "$cc" "$work/apples.c" -o "$work/static" $flags $(pkg-config --static --libs keisan)
    ln -s libkeisan.so.0 "$libraries/libkeisan.so"
}
try "and needs no shared one" answers_as_the_book "$work/static"
try "the SONAME and the command's version are the library's" carries_its_version
try "every exported symbol starts with ks_" exports_only_its_own
try "what files of the library share among themselves is hidden" hides_what_is_private
try "every public header is installed" installs_every_header
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
