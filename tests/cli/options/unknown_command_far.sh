diffc frobnicate
#exit 2
#2> diffc: unknown command 'frobnicate'
#2> Try 'diffc --help'.
