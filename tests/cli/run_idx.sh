# IDX files are feeds too; labels are bytes and fit i64 exactly.
keisan run affine.json --feed t=$DIGITS/t10k-labels-idx1-ubyte.gz --fetch t | head -c 40
