diffc sample --model nowhere
#exit 1
#2> diffc sample: nowhere: no such run or model folder
