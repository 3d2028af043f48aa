keisan trace apple.json --of price
