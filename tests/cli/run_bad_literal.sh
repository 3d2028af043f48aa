keisan run affine.json --feed 'x=[[1, 2], [3]]'
echo $?
keisan run affine.json --feed 'x=[[1, 2'
echo $?
keisan run affine.json --feed 'x=[[1, 02]]'
echo $?
keisan run affine.json --feed 'x=[["one", 2]]'
