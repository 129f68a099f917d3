diffc train tiny.json --dry-run --set sample.sampler=ddmi
#exit 2
#2> diffc train: tiny.json: sample.sampler is 'ddmi', which is not a sampler; did you mean 'ddim'?
#2> Try 'diffc train --help'.
