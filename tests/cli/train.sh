. ./make-xor
keisan train xor.json --data x=x.npy,t=t.npy --test x=x.npy,t=t.npy --optimizer adam:rate=0.05 --batch 3 --epochs 60 --seed 7 --out trained.json | sed -n '1s/loss.*/.../p; $s/loss 0.0.*train/loss 0.0..., train/; $s/test loss 0.0[0-9]*/test loss 0.0.../p'
keisan run trained.json --feed 'x=[[0,0],[0,1],[1,0],[1,1]]' --feed t=[0,1,1,0] --fetch loss --digits 1 | grep -c 'loss  f32 \[\]  0.0'
