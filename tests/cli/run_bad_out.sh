keisan run affine.json --feed 'x=[[1, 2]]' --feed t=[0] --out y.npy
echo $?
keisan run apple.json --out y.safetensors
echo $?
keisan run apple.json --out y.npy --json
echo $?
keisan run apple.json --out nowhere/y.npy
