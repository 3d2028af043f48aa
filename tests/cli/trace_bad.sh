keisan trace apple.json --of price --out t.html
echo $?
keisan trace apple.json
echo $?
keisan trace affine.json
echo $?
keisan trace apple.json --of price --out nowhere/t.txt
