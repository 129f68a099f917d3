diffc sample --steps
