keisan run affine.json --feed 'x=[[1, 2], [0.5, -1]]' --feed t=[2,0]
