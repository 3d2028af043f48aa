. ./make-xor
keisan train --data x=x.npy,t=t.npy --out trained.json
echo $?
keisan train xor.json --data x=x.npy,t=nothing.npy --out trained.json
echo $?
keisan train xor.json --data x=x.npy,y=t.npy --out trained.json
echo $?
keisan train xor.json --data x=x.npy --out trained.json
echo $?
keisan train xor.json --data x=x.npy,t=t.npy --optimizer adma --out trained.json
echo $?
keisan train xor.json --data x=x.npy,t=t.npy --optimizer adam:rate=fast --out trained.json
echo $?
keisan train apple.json --data x=x.npy --out trained.json
echo $?
keisan train xor.json --data x=x.npy,t=t.npy --loss score --out trained.json
echo $?
keisan train --data x=x.npy,t=t.npy --resume xor.json --out trained.json
echo $?
keisan train xor.json --data x=x.npy,t=t.npy --out nowhere/trained.json >/dev/null
echo $?
keisan train xor.json --data x=x.npy,t=t.npy --out trained.json >/dev/null
keisan train affine.json --data x=x.npy,t=t.npy --resume trained.json --out trained.json
echo $?
keisan train --data x=x.npy,t=t.npy --resume trained.json --optimizer adam --out trained.json
echo $?
keisan train --data x=x.npy,t=t.npy --resume trained.json --optimizer sgd:rate=0.5,x=1 --out trained.json
