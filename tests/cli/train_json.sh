. ./make-xor
keisan train xor.json --data x=x.npy,t=t.npy --batch 4 --epochs 2 --out trained.json --json | sed 's/"loss": [0-9.e-]*/"loss": L/'
