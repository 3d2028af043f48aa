keisan grad apple.json
echo $?
keisan grad apple.json --of pirce
echo $?
keisan grad apple.json --of price --wrt bananas
echo $?
keisan grad types.json --of twice --wrt x --feed x=[1]
echo $?
keisan grad drop.json --of y --feed x=[1]
