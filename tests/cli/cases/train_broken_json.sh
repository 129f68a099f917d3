printf '{"data": {"path": "x"},\n "model": {"channels": }}\n' >broken.json
diffc train broken.json
