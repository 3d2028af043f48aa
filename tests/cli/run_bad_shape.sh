keisan run affine.json --feed 'x=[[1, 2, 3]]'
echo $?
keisan run affine.json --feed 'x=[1, 2]'
echo $?
keisan run affine.json --feed 'x=[[1, 2]]' --feed t=[1,2] --fetch loss
echo $?
keisan run affine.json --feed 'x=[[1, 2]]' --fetch score --out x.npy
keisan run affine.json --feed x=x.npy
