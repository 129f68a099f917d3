diffc sample --steps 4 --steps 5
