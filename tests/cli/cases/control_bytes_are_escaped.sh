diffc sample "--$(printf '\033')[2J"
