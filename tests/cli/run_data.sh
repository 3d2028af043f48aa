# Rows of data files feed inputs too, with what train does to them.
. ./make-xor
keisan run affine.json --data x=x.npy,t=t.npy --rows 1:2 --fetch x,t
keisan run affine.json --data x=x.npy:scale=2,t=t.npy --rows 3:1 --fetch x,t --feed t=[7]
keisan run affine.json --data x=x.npy,t=t.npy --fetch score --json | tr -cd '[' | wc -c
