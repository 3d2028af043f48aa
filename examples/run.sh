#!/bin/sh
# Runs an example and compares what it prints with the comment that closes its source, word by word; numbers may differ by
# TOLERANCE, and a time that closes a line as it likes.
#   run.sh TOLERANCE SOURCE.c PROGRAM [ARGUMENT...]
set -eu
absolute() { echo "$(cd "$(dirname "$1")" && pwd)/$(basename "$1")"; }
tolerance=$1 source=$(absolute "$2") program=$(absolute "$3")
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# The lines between the last "/*" and "*/", without their stars.
awk '/^\/\*/ {n = 0; next} /^ \*\// {next} /^ \*/ {line[n++] = substr($0, 4)} END {for (i = 0; i < n; i++) print line[i]}' "$source" >expected
for word; do
    case $word in
    */data/*) [ -e "$word" ] || { echo "no $word"; exit 77; } ;;
    esac
done
[ -s expected ] || { echo "$source has no closing comment"; exit 1; }
"$program" "$@" >printed || { echo "exit status $?"; cat printed; exit 1; }

awk -v tolerance="$tolerance" '
function number(text) { return text ~ /^[-+]?[0-9]*\.?[0-9]+(e[-+]?[0-9]+)?[,:]?$/ }
function same(x, y,    n, m, i, a, b, d) {
    n = split(x, a, " "); m = split(y, b, " ")
    if (n != m) return 0
    for (i = 1; i <= n; i++) {
        d = number(a[i]) && number(b[i]) ? a[i] - b[i] : tolerance + 1
        if (a[i] != b[i] && (d > tolerance + 0 || -d > tolerance + 0)) return 0
    }
    return 1
}
{ sub(/, [0-9.]+ s$/, ", time") }
NR == FNR { expected[NR] = $0; count = NR; next }
!same(expected[FNR], $0) { print "expected  " expected[FNR]; print "printed   " $0; bad = 1 }
END { if (FNR != count) print "expected " count " lines"; exit bad || FNR != count }' expected printed
