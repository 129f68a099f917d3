diffc train tiny.json --set 'data.path=""'
#exit 2
#2> diffc train: data.path is missing: it names the file or folder with the training images
#2> Try 'diffc train --help'.
