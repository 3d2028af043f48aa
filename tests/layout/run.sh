#!/bin/sh
# The rules of the house that docs/design.md states: what may include what, and how many places a new operation touches.
cd "$(dirname "$0")/../.." || exit 2
passed=0 failed=0
found=$(mktemp) || exit 2
trap 'rm -f "$found"' EXIT

# A rule holds when the command finds nothing; what it finds breaks it.
nothing() { # RULE COMMAND...
    rule=$1
    shift
    "$@" >"$found" 2>&1
    if [ -s "$found" ]; then
        failed=$((failed + 1))
        echo "broken: $rule" >&2
        sed 's/^/    /' "$found" >&2
    else
        passed=$((passed + 1))
    fi
}

# ---- floors -------------------------------------------------------------------------------------------------

includes() { # FOLDER : "file folder/of/header" for each private header that it includes
    find "$1" -name '*.[ch]' -exec sed -n 's|^#include "\(.*\)".*|{} \1|p' {} \;
}

only_from() { # FOLDER ALLOWED...
    folder=$1
    shift
    pattern=$(echo "$*" | sed 's/ /|/g')
    includes "$folder" | grep '/.*/' | grep -Ev " (config\.h|($pattern)/[^/]*)$"
}

nothing "graph/ includes from graph/ and the kernels" only_from graph graph engine/kernels
nothing "engine/ includes from graph/ and engine/" only_from engine graph engine engine/kernels
nothing "the kernels know no graph, only its memory" sh -c 'grep -n "#include \"" engine/kernels/*.[ch] | grep -v "engine/kernels/\|graph/memory.h\|config.h"'
nothing "ops/ includes from graph/, ops/ and the kernels" only_from ops graph "ops(/[a-z]+)?" engine/kernels
nothing "autodiff/ includes from graph/, ops/ and autodiff/" only_from autodiff graph "ops(/[a-z]+)?" autodiff keisan
nothing "function/ includes from itself and the floors below" only_from function graph engine engine/kernels "ops(/[a-z]+)?" autodiff function keisan
nothing "serialize/ includes from itself and the floors below" only_from serialize graph engine engine/kernels ops autodiff function serialize
nothing "train/ includes from itself and the floors below" only_from train graph engine engine/kernels ops autodiff function serialize train
nothing "the command, the examples and the benchmark know the public headers only" \
    sh -c 'grep -n "#include \".*/" cli/*.[ch] examples/*.c bench/bench.c; grep -n "ks__" cli/*.[ch] examples/*.c bench/bench.c'

# ---- operations ---------------------------------------------------------------------------------------------

operations=$(sed -n 's/^ *OP(\([a-z_0-9]*\)).*/\1/p' ops/table.h)

not_defined_once() {
    for op in $operations; do
        places=$(grep -l "^const ks_op ks__op_$op =" ops/*.c ops/*/*.c function/*.c | wc -l)
        [ "$places" -eq 1 ] || echo "$op is defined in $places files"
    done
}

defined_but_not_listed() {
    sed -n 's/^const ks_op ks__op_\([a-z_0-9]*\) = .*/\1/p' ops/*.c ops/*/*.c function/*.c | while read -r op; do
        echo "$operations" | grep -qx "$op" || echo "$op"
    done
}

nothing "every operation of the table has one definition" not_defined_once
nothing "every definition has its line in the table" defined_but_not_listed
nothing "graph/, engine/ and the command name no operation but leaves" \
    sh -c 'grep -n "ks__op_" graph/*.[ch] engine/*.[ch] engine/kernels/*.[ch] cli/*.[ch] | grep -v "ks__op_\(input\|constant\|number\|variable\|at\|named\)"'

# ---- words and their tests ----------------------------------------------------------------------------------

tests_that_do_not_exist() {
    grep -o '`[a-z_0-9]*::[a-zA-Z_0-9]*`' docs/*.md | sed 's/.*`\(.*\)::\(.*\)`/\1 \2/' | while read -r suite name; do
        grep -rqE "Test\($suite, $name[,)]" tests --include='*.c' || echo "$suite::$name"
    done
}

nothing "every test that the documents name exists" tests_that_do_not_exist

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
