keisan run --help >one && keisan help run >two && cmp one two && cat one
