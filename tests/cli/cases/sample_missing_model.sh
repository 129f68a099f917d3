diffc sample --model nowhere
