keisan ops >all
grep -E '^  (matmul|add|softmax_cross_entropy) ' all
grep -A 1 -E '^(arithmetic|reduce)$' all
keisan ops --json >all.json
grep -c '"name": "sum", "family": "reduce"' all.json
grep -cE '^  \{"name": ' all.json >json
grep -cE '^  ' all | cmp - json
