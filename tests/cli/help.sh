keisan help
