diffc train --json
#exit 2
#2> diffc train: CONFIG.json or DATA is missing: name a configuration, or pictures to train on, or continue a run with --resume --out RUN
#2> Try 'diffc train --help'.
