diffc train tiny.json --out --json
#exit 2
#2> diffc train: --out needs a value: --out RUN
#2> Try 'diffc train --help'.
