keisan run affine.json --feed 'x=[[0.1, 0.2]]' --fetch product,x,bias --json
keisan run types.json --feed x=[1,-2] --feed m=[true,false] --json
