keisan grad functions.json --feed start=1 --feed 'x=[1,2]'
keisan check functions.json --feed start=1 --feed 'x=[1,2]' | cut -c1-26
keisan check functions.json --feed start=1 --feed 'x=[1,2]' >agrees && echo agrees
