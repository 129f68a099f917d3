diffc train tiny.json --set data.size=15 --set 'model.attention=[]'
