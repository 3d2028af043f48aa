#!/bin/sh
# What the program says of files that are damaged: one sentence each, with the file and the line, and a status that is not 0.
#   bad_files.sh PROGRAM MODELS DATA
set -u
program=$1 models=$2 data=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

says() { # SENTENCE SED... : the file, changed by sed, is refused in these words
    sentence=$1
    shift
    sed "$@" "$data/DanWood.dat" >"$work/DanWood.dat"
    said=$("$program" "$models" "$work" DanWood 2>&1 >/dev/null)
    if [ $? -eq 1 ] && [ "$said" = "nist: $work/DanWood.dat$sentence" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "expected  nist: $work/DanWood.dat$sentence"
        echo "said      $said"
    fi
}

says ": no line 'Dataset Name:', so this is none of NIST's files" '/Dataset Name/d'
says ":2: 'Dataset Name:' has no name behind it" 's/\(Dataset Name:\).*/\1/'
says ":42: b3 follows b1: parameters stand in order, at most 9 of them" 's/b2 =/b3 =/'
says ":41: b1 needs four numbers: two starts, the certified value and its standard deviation" 's/b1 = *1 /b1 = one /'
says ":44: 'Residual Sum of Squares:' has no number behind it" 's/\(Residual Sum of Squares:\).*/\1/'
says ":47: 'Number of Observations:' has no positive number behind it" 's/\(Number of Observations:\).*/\1 -6/'
says ": the file ends before the data" '60,$d'
says ":59: the data come before the number of observations" '/Number of Observations/d'
says ":60: 'Data:' names 1 columns, and a response and a predictor are needed" '60s/y.*/y/'
says ":62: row 2 has no number for 'x'" '62s/ [^ ]*$//'
says ": 5 rows of data, and the file states 6 observations" '$d'
says ":66: more rows than the 5 observations that the file states" 's/\(Number of Observations:\).*/\1 5/'

rm "$work/DanWood.dat"
said=$("$program" "$models" "$work" DanWood 2>&1 >/dev/null)
if [ "$said" = "nist: $work/DanWood.dat: cannot be opened" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "said $said"; fi
if "$program" "$models" "$data" DanWod >/dev/null; then failed=$((failed + 1)); else passed=$((passed + 1)); fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
