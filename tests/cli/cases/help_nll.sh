diffc nll --help
