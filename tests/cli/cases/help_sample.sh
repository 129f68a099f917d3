diffc sample --help
