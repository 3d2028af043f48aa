# What memory a run takes and which instructions are there are the machine's.
keisan info functions.json | sed "s,\, [0-9.]* [A-Za-z]* of memory; with gradients .*,\, MEMORY,; s,^runs on .*,runs on ISA,"
keisan info functions.json --batch 3 --json | sed 's/_bytes": [0-9][0-9]*/_bytes": B/g; s/"isa": "[^"]*", "products": "[^"]*"/"isa": I/'
