printf '{"data": {"path": "x"},\n "model": {"channels": }}\n' >broken.json
printf '\357\273\277{}' >marked.json
printf '// what I tried last\n{}' >remark.json
printf '{"model": {"multipliers": []}}' >list.json
for file in broken marked remark list; do
    diffc train $file.json 2>&1 | head -n 1
done
diffc train broken.json
#exit 2
#> diffc train: broken.json: line 2, column 24: expected a value, found '}'
#> diffc train: marked.json: line 1, column 1: the text begins with a byte order mark; save it as plain UTF-8
#> diffc train: remark.json: line 1, column 1: expected a value, found '/'
#> diffc train: list.json: model.multipliers must be a list of 1 to 8 integers in 1..64, got an array of 0
#2> diffc train: broken.json: line 2, column 24: expected a value, found '}'
#2> Try 'diffc train --help'.
