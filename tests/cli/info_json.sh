keisan info apple.json --json | sed 's/_bytes": [0-9][0-9]*/_bytes": B/g; s/"isa": "[^"]*", "products": "[^"]*"/"isa": I/'
keisan info affine.json --batch 100 --json | grep -o '"multiply_adds": [0-9]*'
