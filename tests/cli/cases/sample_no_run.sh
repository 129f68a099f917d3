diffc sample
