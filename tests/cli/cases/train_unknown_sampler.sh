diffc train tiny.json --dry-run --set sample.sampler=ddmi
