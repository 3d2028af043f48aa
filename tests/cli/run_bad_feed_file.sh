keisan run affine.json --feed x=nothing.npy
echo $?
keisan run affine.json --feed x=x.npz
echo $?
keisan run affine.json --feed x=@apple
echo $?
printf 'hello' >x.npy
keisan run affine.json --feed x=x.npy
echo $?
printf '\223NUMPY\001\000' >x.npy
keisan run affine.json --feed x=x.npy
