diffc help trian
#exit 2
#2> diffc: unknown command 'trian'; did you mean 'train'?
#2> Try 'diffc --help'.
