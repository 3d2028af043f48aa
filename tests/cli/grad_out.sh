keisan grad apple.json --of price --wrt orange --out g.npy && keisan run apple.json --feed tax=g.npy --fetch tax
