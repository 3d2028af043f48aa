keisan
