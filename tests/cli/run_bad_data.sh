. ./make-xor
keisan run affine.json --data x=x.npy --rows 7:2
echo $?
keisan run affine.json --data x=x.npy --rows 1
echo $?
keisan run affine.json --rows 0:1
echo $?
keisan run affine.json --data x=x.npy:twist
echo $?
keisan run affine.json --data x=t.npy
