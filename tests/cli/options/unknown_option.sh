diffc sample --smapler ddim
#exit 2
#2> diffc sample: unknown option '--smapler'; did you mean '--sampler'?
#2> Try 'diffc sample --help'.
