diffc train --json
#exit 2
#2> diffc train: CONFIG.json is missing: name a configuration to train, or continue a run with --resume --out RUN
#2> Try 'diffc train --help'.
