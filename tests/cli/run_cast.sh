keisan run types.json --feed x=[1.5,2] --fetch twice
echo $?
keisan run types.json --feed x=[1.5,-2.7,3e20] --fetch twice --cast
echo $?
keisan run affine.json --feed 'x=[[1.5, 2], [1, 1]]' --fetch x --out x.npy
keisan run affine.json --feed t=x.npy --fetch t
echo $?
keisan run affine.json --feed 'x=[[1.5, 2]]' --fetch product --out y.npy && keisan run drop.json --feed x=y.npy
