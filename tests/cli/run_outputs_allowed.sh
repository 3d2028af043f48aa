# Without labels there is no loss; the scores are given all the same.
keisan run affine.json --feed 'x=[[1, 2]]'
