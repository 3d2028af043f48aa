#!/bin/sh
# Runs the command's tests: NAME.sh in a fresh folder, its output, messages and exit status against NAME.out, NAME.err, NAME.status.
#   run.sh KEISAN [--rewrite] [NAME...]     --rewrite writes down what comes out instead of comparing
# A case finds `keisan` on its path, the models of models/ in its folder, the embedded digits in $DIGITS.
set -u
here=$(cd "$(dirname "$0")" && pwd)
keisan=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
shift
rewrite=
[ "${1:-}" = --rewrite ] && { rewrite=yes; shift; }
[ -x "$keisan" ] || { echo "run.sh: no command at $keisan" >&2; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
ln -s "$keisan" "$work/bin/keisan"
PATH=$work/bin:$PATH
DIGITS=$here/../../data/digits
export PATH DIGITS
unset NO_COLOR
LC_ALL=C TERM=dumb
export LC_ALL TERM

# ---- one case ----------------------------------------------------------------------------------------------
run_case() { # NAME
    mkdir "$work/$1"
    cp "$here"/models/* "$work/$1"
    (cd "$work/$1" && exec sh "$here/$1.sh" >"$work/$1.out" 2>"$work/$1.err" </dev/null)
    echo $? >"$work/$1.status"
}

same() { # NAME
    for part in out err status; do
        diff -u "$here/$1.$part" "$work/$1.$part" >"$work/diff" 2>&1 && continue
        echo "FAILED $1"
        cat "$work/diff"
        return 1
    done
}

passed=0 failed=0 skipped=0
[ $# -gt 0 ] || set -- $(cd "$here" && ls *.sh | sed 's/\.sh$//' | grep -v '^run$')
for name; do
    [ -f "$here/$name.sh" ] || { echo "run.sh: no case $name" >&2; exit 2; }
    if [ "${KEISAN_GZIP:-}" = no ] && grep -q DIGITS "$here/$name.sh"; then
        skipped=$((skipped + 1))
        continue
    fi
    run_case "$name"
    if [ "$rewrite" ]; then
        for part in out err status; do cp "$work/$name.$part" "$here/$name.$part"; done
    elif same "$name"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
done
[ "$rewrite" ] && { echo "$# rewritten"; exit 0; }
[ $skipped -eq 0 ] || echo "$skipped skipped: they read gzipped files"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
