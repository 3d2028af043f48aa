keisan trace affine.json --of product --feed 'x=[[1, 2]]'
echo $?
keisan trace affine.json --of product --feed 'x=[[1, 2]]' --upstream '[[1, 0, 2]]'
echo $?
keisan trace affine.json --of product --feed 'x=[[1, 2]]' --upstream '[1, 2]'
