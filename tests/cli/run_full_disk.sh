keisan run apple.json >/dev/full
echo $?
keisan run apple.json --json >/dev/full
echo $?
keisan trace apple.json --of price >/dev/full
echo $?
keisan ops >/dev/full
