# (y - t) / N for the scores of two rows.
keisan grad affine.json --wrt score --feed 'x=[[0, 0], [0, 0]]' --feed 'weight=[[0, 0, 0], [0, 0, 0]]' --feed bias=[0,0,0] --feed t=[0,2]
