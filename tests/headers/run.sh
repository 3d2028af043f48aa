#!/bin/sh
# Each public header compiles by itself, as C and as C++. Prints one line a failure and a closing count.
cd "$(dirname "$0")/../.." || exit 2
passed=0 failed=0
try() { # NAME COMMAND...
    name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "does not compile: $name" >&2
    fi
}
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
for header in include/keisan/*.h include/keisan/ops/*.h; do
    echo "#include <keisan/${header#include/keisan/}>" >"$work/alone.c"
    cp "$work/alone.c" "$work/alone.cpp"
    try "$header as C" "${CC:-gcc}" -std=c17 -Wall -Wextra -Werror -pedantic -Iinclude -fsyntax-only "$work/alone.c"
    try "$header as C++" "${CXX:-g++}" -std=c++17 -Wall -Wextra -Werror -Iinclude -fsyntax-only "$work/alone.cpp"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
