keisan run affine.json
echo $?
keisan run affine.json --fetch loss
