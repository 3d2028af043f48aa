keisan trace apple.json --of price --feed tax=1.23456789 --digits 3 | grep -o '[0-9.]* *price' | head -n 1
keisan trace apple.json --of price --feed tax=1.23456789 --digits 8 >eight
grep -c '1\.2345679' eight >/dev/null && echo eight
