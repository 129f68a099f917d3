printf '{}\n{}\n' >two.json
diffc train two.json
