keisan run affine.json --feed 'x=[[1, 2], [3, 4]]' --fetch x --out x.npy &&
keisan run affine.json --feed x=x.npy &&
cp x.npy 7 && keisan run affine.json --feed x=@7 --fetch product
