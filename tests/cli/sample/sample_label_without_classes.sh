diffc train tiny.json -q --out run --steps 1 >/dev/null 2>&1
diffc sample -q -m run --label 0
#exit 2
#2> diffc sample: --label is given, but the model has no classes
#2> Try 'diffc sample --help'.
