keisan run nothing.json
echo $?
keisan info .
