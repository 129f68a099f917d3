diffc sample --model tiny.json
#exit 2
#2> diffc sample: tiny.json: is a file, expected a run folder or a model folder
#2> Try 'diffc sample --help'.
