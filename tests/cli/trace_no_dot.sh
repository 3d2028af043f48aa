# Where Graphviz is not on the path, one message says so and no file is left.
mkdir empty
PATH=$PWD/empty "$(command -v keisan)" trace apple.json --of price --out t.svg
status=$?
ls t.svg 2>/dev/null
exit $status
