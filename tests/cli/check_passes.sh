# Which digits a difference has is the machine's: names and verdicts stand fast.
keisan check apple.json --of price >out
status=$?
awk 'NR > 1 {print $1, $2, $5}' out
exit $status
