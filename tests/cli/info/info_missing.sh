diffc info nowhere
#exit 1
#2> diffc info: nowhere: no such run or model folder
