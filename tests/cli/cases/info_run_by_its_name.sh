# The name of a run without its folder.
mkdir -p runs/demo runs/-x
diffc info demo
diffc sample --model demo
diffc info demos
