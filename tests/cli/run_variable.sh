# A feed may set a variable as well.
keisan run apple.json --feed tax=2 --feed apple=0
