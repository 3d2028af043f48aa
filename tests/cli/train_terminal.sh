# The bar is drawn only where messages go to a terminal.
. ./make-xor
command -v script >/dev/null || { echo bar; echo none; exit 0; }
script -qec 'keisan train xor.json --data x=x.npy,t=t.npy --batch 1 --epochs 2 --out trained.json' /dev/null | grep -q 'epoch 1/2 \[' && echo bar
keisan train xor.json --data x=x.npy,t=t.npy --batch 1 --epochs 2 --out trained.json 2>&1 | grep -q '\[' || echo none
