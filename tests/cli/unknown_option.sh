keisan run apple.json --fecth price
echo $?
keisan run apple.json --zebra
echo $?
keisan run apple.json -x
