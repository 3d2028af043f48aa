# An interrupt leaves a checkpoint between two steps; going on from it ends where an uninterrupted run does.
. ./make-xor
train="keisan train xor.json --data x=x.npy,t=t.npy --batch 3 --seed 3 --optimizer adam --epochs 400"
$train --out whole.json >/dev/null
sh -c "exec $train --out part.json" >lines 2>messages &
while [ ! -s lines ]; do sleep 0.01; done
kill -INT $!
wait $!
echo $?
sed 's/[0-9][0-9]* steps/N steps/' messages
keisan train --data x=x.npy,t=t.npy --batch 3 --resume part.json --epochs 400 --out part.json >/dev/null
cmp whole.json part.json && echo the same
