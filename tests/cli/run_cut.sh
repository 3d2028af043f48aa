# More than 1,000 elements are cut short on each axis, and --json gives them all.
keisan run drop.json --feed x=[$(seq -s, 1 1200)]
keisan run drop.json --feed x=[$(seq -s, 1 1200)] --json | tr -cd , | wc -c
