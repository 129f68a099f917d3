diffc train tiny.json --set data.size=15 --set 'model.attention=[]'
#exit 2
#2> diffc train: images of 15x15 cannot be halved 1 time; heights and widths must be multiples of 2 (14 or 16 would do)
#2> Try 'diffc train --help'.
