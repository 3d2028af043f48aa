keisan run affine.json --feed 'x=[[1, 2], [3, 4]]' --json --threads 1 >one
keisan run affine.json --feed 'x=[[1, 2], [3, 4]]' --json --threads 3 | cmp one - && echo same
