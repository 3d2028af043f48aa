keisan trace apple.json --of price --json >one
keisan trace apple.json --of price --out two.json && cmp one two.json && tr -d ' \t\n' <one | head -c 51
echo
