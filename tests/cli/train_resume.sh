# Six epochs at once, or four and then two more: the same file to the bit, optimiser and all.
. ./make-xor
for kind in sgd:rate=0.1 momentum nesterov adagrad rmsprop adadelta adam adamw:clip_norm=1; do
    train="keisan train xor.json --data x=x.npy,t=t.npy --batch 3 --seed 3 --optimizer $kind"
    $train --epochs 6 --out whole.json >/dev/null
    $train --epochs 4 --out part.json >/dev/null
    keisan train xor.json --data x=x.npy,t=t.npy --batch 3 --resume part.json --epochs 6 --out part.json | cut -d: -f1
    cmp whole.json part.json && echo "$kind: the same"
done
keisan train --data x=x.npy,t=t.npy --batch 3 --resume part.json --epochs 6 --out again.json && cmp part.json again.json
