keisan grad apple.json --of apple_price --wrt orange
