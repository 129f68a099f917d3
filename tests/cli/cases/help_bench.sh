diffc bench --help
