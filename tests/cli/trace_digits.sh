keisan trace apple.json --of price --feed tax=1.23456789 --digits 3 | grep '^  tax  *= '
keisan trace apple.json --of price --feed tax=1.23456789 --digits 8 | grep '^  tax  *= '
