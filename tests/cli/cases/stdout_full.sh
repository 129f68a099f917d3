# Results that cannot be written are an error.
diffc --help >/dev/full
echo $?
diffc info tiny.json --json >/dev/full
