diffc info tiny.json other.json
#exit 2
#2> diffc info: unexpected argument 'other.json': info takes one PATH
#2> Try 'diffc info --help'.
