keisan run affine.json --feed 'x=[[1, 2]]' --fetch scoer
echo $?
keisan run affine.json --feed 'y=[[1, 2]]'
echo $?
keisan run affine.json --feed 'zzzzzz=[[1, 2]]'
echo $?
keisan run affine.json --feed 'score=[[1, 2, 3]]'
