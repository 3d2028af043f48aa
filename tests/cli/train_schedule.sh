# A rate that follows a schedule over the whole run: at once, or stopped and gone on with, to the same bits.
. ./make-xor
train="keisan train xor.json --data x=x.npy,t=t.npy --batch 3 --seed 3 --optimizer adam"
for schedule in cosine:rate=0.1,steps=12,warmup=3 step:rate=0.1,steps=4,factor=0.5 one_cycle:rate=0.1,steps=12; do
    $train --schedule $schedule --epochs 6 --out whole.json >/dev/null
    $train --schedule $schedule --epochs 4 --out part.json >/dev/null
    keisan train xor.json --data x=x.npy,t=t.npy --batch 3 --resume part.json --schedule $schedule --epochs 6 --out part.json | cut -d: -f1
    cmp whole.json part.json && echo "$schedule: the same"
done
# The length of the run is known: the last of 12 steps has a rate near 0.
$train --schedule cosine:rate=0.1 --epochs 6 --out whole.json >/dev/null
grep -o '"rate": [^,]*' whole.json
keisan train --data x=x.npy,t=t.npy --resume whole.json --schedule cosine:warmup=3 --epochs 7 --out again.json
$train --schedule linear --out again.json
$train --schedule cosine:fall=3 --out again.json
