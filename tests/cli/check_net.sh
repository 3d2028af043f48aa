keisan check xor.json --feed 'x=[[0, 1], [1, 1]]' --feed t=[1,0] | awk 'NR > 1 {print $1, $2, $5}'
keisan check xor.json --feed 'x=[[0, 1], [1, 1]]' --feed t=[1,0] --most 2 --wrt fc1.weight,x | awk 'NR > 1 {print $1, $2, $5}'
