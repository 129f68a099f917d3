diffc train nowhere.json
#exit 1
#2> diffc train: nowhere.json: cannot open: No such file or directory
