keisan trace apple.json --of price --out t.dot && grep -c . t.dot >/dev/null && grep -o '3\.3' t.dot | head -n 1
