# The name of a run without its folder.
mkdir -p runs/demo runs/-x
diffc info demo
diffc sample --model demo
diffc info demos
#exit 1
#2> diffc info: demo: no such run or model folder; did you mean runs/demo?
#2> diffc sample: demo: no such run or model folder; did you mean runs/demo?
#2> diffc info: demos: no such run or model folder
