keisan check affine.json --feed 'x=[[0, 1]]'
echo $?
keisan check affine.json --of score --feed 'x=[[0, 1]]'
echo $?
keisan check types.json --of twice --feed x=[1]
