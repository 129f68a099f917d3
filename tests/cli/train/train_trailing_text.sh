printf '{}\n{}\n' >two.json
diffc train two.json
#exit 2
#2> diffc train: two.json: line 2, column 1: expected nothing after the value, found '{'
#2> Try 'diffc train --help'.
