printf '{"data": {"path": "x"},\n "model": {"channels": }}\n' >broken.json
diffc train broken.json
#exit 2
#2> diffc train: broken.json: line 2, column 24: expected a value, found '}'
#2> Try 'diffc train --help'.
