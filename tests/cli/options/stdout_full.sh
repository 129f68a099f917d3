# Results that cannot be written are an error.
diffc --help >/dev/full
echo $?
diffc info tiny.json --json >/dev/full
#exit 1
#> 1
#2> diffc: the standard output cannot be written: No space left on device
#2> diffc: the standard output cannot be written: No space left on device
