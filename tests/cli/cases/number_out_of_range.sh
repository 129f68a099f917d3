diffc sample --count 0
