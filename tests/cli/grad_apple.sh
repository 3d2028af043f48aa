keisan grad apple.json --of price
