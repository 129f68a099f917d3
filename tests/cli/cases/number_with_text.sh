diffc sample --steps 12abc
