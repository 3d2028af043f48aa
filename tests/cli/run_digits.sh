keisan run apple.json --feed tax=1.23456789 --digits 9
keisan run apple.json --feed tax=1.23456789 --digits 3
