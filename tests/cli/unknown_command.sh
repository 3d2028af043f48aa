keisan trian net.json
echo $?
keisan frobnicate
