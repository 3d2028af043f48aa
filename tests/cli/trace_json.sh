keisan trace apple.json --of price --json >one
keisan trace apple.json --of price --out two.json && cmp one two.json && head -c 60 one
