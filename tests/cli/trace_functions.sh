keisan trace functions.json --feed start=1 --feed 'x=[1,2]'
keisan trace functions.json --feed start=1 --feed 'x=[1,2]' --of last --unfold
