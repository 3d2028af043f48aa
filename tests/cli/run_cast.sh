keisan run types.json --feed x=[1.5,2] --fetch twice
echo $?
keisan run types.json --feed x=[1.5,-2.7,3e20] --fetch twice --cast
echo $?
keisan run drop.json --feed x=[1,2.5] --out x.npy
keisan run types.json --feed x=x.npy --fetch twice
echo $?
keisan run types.json --feed x=x.npy --fetch twice --cast
echo $?
# What survives exactly needs no leave.
keisan run drop.json --feed x=[1,2] --out x.npy
keisan run types.json --feed x=x.npy --fetch twice
