# Rows are counted, not batches: going on with another size of batch begins where the other stopped.
. ./make-xor
keisan train xor.json --data x=x.npy,t=t.npy --batch 4 --epochs 1 --out trained.json --json | cut -d, -f1,2
keisan train --data x=x.npy,t=t.npy --batch 2 --resume trained.json --epochs 2 --out trained.json --json | cut -d, -f1,2
keisan train --data x=x.npy,t=t.npy --resume trained.json --epochs 2 --out trained.json
