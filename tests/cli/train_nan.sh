# The second row's logarithm is that of a negative number; no step is taken and no file written.
keisan run log.json --feed x=[2,-1,3] --fetch x --out x.npy
keisan train log.json --data x=x.npy --batch 3 --out trained.json
echo $?
ls trained.json 2>/dev/null
keisan train log.json --data x=x.npy --batch 3 --out trained.json --unchecked
