diffc sample --eta nan
