# Dropout does nothing but while training; the seed says who is erased.
keisan run drop.json --feed x=[1,1,1,1,1,1,1,1]
keisan run drop.json --feed x=[1,1,1,1,1,1,1,1] --mode train --seed 1 >one
keisan run drop.json --feed x=[1,1,1,1,1,1,1,1] --mode train --seed 1 | cmp one - && echo same
for seed in 2 3 4 5; do keisan run drop.json --feed x=[1,1,1,1,1,1,1,1] --mode train --seed $seed; done | cmp -s one - || echo different
tail -n 1 one | tr -d ' []' | tr , '\n' | sort -u
