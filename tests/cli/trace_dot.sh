# The DOT form is read by Graphviz, and bears values and derivatives.
keisan trace apple.json --of price --out t.dot && head -n 1 t.dot && grep -o -w -e 715 -e '3\.3' t.dot | sort -u
command -v dot >/dev/null || exit 0
dot -Tplain t.dot >plain
