# What memory a run takes and which instructions are there are the machine's.
keisan info affine.json | sed 's/, [0-9.]* [KMGT]*i*B*y*t*e*s* of memory; with gradients .*/, MEMORY/; s/^runs on [a-z0-9-]*, matrix products by [a-z]*/runs on ISA/'
