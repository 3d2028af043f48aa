keisan trace functions.json --feed start=1 --feed 'x=[1,2]' --of last --unfold --json
keisan trace functions.json --feed start=1 --feed 'x=[1,2]' --of pm --upstream '[[1, 0]]' --unfold --out t.dot
sed -n '/subgraph/,$p' t.dot
