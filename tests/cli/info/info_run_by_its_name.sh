# The name of a run without its folder.
mkdir -p runs/demo runs/-x
diffc info demo
diffc sample --model demo
diffc info demos
diffc info --model demo
diffc info demo --model demo
diffc info
#exit 1
#2> diffc info: demo: no such run or model folder; did you mean runs/demo?
#2> diffc sample: demo: no such run or model folder; did you mean runs/demo?
#2> diffc info: demos: no such run or model folder
#2> diffc info: demo: no such run or model folder; did you mean runs/demo?
#2> diffc info: demo and --model are given; one of them is enough
#2> Try 'diffc info --help'.
#2> diffc info: no run under runs has a model yet; train one first or give --model PATH
