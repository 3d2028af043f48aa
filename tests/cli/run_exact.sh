# What is printed as JSON is read back to the same bits.
keisan run affine.json --feed 'x=[[0.1, 0.333333343]]' --fetch product --json >one
keisan run affine.json --feed "x=$(keisan run affine.json --feed 'x=[[0.1, 0.333333343]]' --fetch x --json | sed 's/.*"data": //; s/}}$//')" --fetch product --json | cmp one - && echo same
