diffc smaple --out x.png
#exit 2
#2> diffc: unknown command 'smaple'; did you mean 'sample'?
#2> Try 'diffc --help'.
