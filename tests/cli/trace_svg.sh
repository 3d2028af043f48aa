keisan trace apple.json --of price --out t.svg && grep -o '<svg' t.svg
