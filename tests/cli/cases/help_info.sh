diffc info --help
