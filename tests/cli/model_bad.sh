keisan info typo.json
echo $?
keisan info broken.json
echo $?
echo '{}' >empty.json
keisan run empty.json
echo $?
sed 's/"version": 1/"version": 99/' apple.json >newer.json
keisan run newer.json
echo $?
sed 's/"op": "mul"/"op": "user.mul"/' apple.json >user.json
keisan run user.json
