keisan run xor.json --feed 'x=[[0, 1]]' --fetch score >one && head -n 1 one
