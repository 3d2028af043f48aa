keisan ops >all
grep -E '^(matmul|add|softmax_cross_entropy) ' all
