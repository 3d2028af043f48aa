# What memory a run takes and which instructions are there are the machine's.
keisan info affine.json | sed "s,\, [0-9.]* [A-Za-z]* of memory; with gradients .*,\, MEMORY,; s,^runs on .*,runs on ISA,"
