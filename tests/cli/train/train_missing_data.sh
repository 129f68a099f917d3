diffc train tiny.json --set data.path=nowhere
#exit 1
#2> diffc train: nowhere: cannot open the data: No such file or directory
