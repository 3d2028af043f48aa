#!/bin/sh
# Trains an example beside PyTorch: its losses are those of a file in tests/reference/training, to 1e-4 in f32 and 1e-9 in f64, relatively.
#   losses.sh REFERENCE.txt STEPS_IN_F32 STEPS_IN_F64 PROGRAM [ARGUMENT...]
set -eu
reference=$1 f32=$2 f64=$3
shift 3
for type in f32 f64; do
    [ $type = f32 ] && column=2 steps=$f32 tolerance=1e-4 option= || column=3 steps=$f64 tolerance=1e-9 option=--f64
    "$@" --losses "$steps" $option | awk -v type=$type -v column=$column -v tolerance=$tolerance -v steps="$steps" '
        NR == FNR { if ($1 != "#") wanted[$1 + 1] = $column; next }
        { off = $1 / wanted[FNR] - 1; off = off < 0 ? -off : off; worst = off > worst ? off : worst }
        !(off <= tolerance) { print type ", step " FNR - 1 ": " $1 ", PyTorch has " wanted[FNR]; bad = 1 }
        END { print type ": " FNR " losses, off by " worst + 0 " at most"; exit bad || FNR != steps }' "$reference" -
done
