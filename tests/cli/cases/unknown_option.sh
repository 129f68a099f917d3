diffc sample --smapler ddim
