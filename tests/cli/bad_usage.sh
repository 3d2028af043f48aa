keisan run
echo $?
keisan run apple.json affine.json
echo $?
keisan run apple.json --fetch
echo $?
keisan run apple.json --json=yes
echo $?
keisan run apple.json --digits many
echo $?
keisan check apple.json --tolerance -1
echo $?
keisan run apple.json --feed apple
echo $?
keisan run apple.json --mode sideways
echo $?
keisan train xor.json --out t.json
