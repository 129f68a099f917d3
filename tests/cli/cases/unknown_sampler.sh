diffc sample --sampler ddmi
