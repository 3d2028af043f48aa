keisan run types.json --feed=x=[7,8] --feed m=[false,true] --fetch=chosen,twice --fetch m
