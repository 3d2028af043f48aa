keisan run functions.json --feed start=1 --feed 'x=[1,2]' --fetch loss,all
keisan run functions.json --feed start=1 --feed 'x=[]' --fetch loss
