diffc --help
