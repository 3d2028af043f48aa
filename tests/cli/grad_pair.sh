# Any pair of nodes will do, and those in the middle too.
keisan grad apple.json --of price --wrt apple_price,tax --json
keisan grad apple.json --of all_price --wrt orange_price
