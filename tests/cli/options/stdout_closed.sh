# Nothing is written into a file that took the number of stdout.
diffc train tiny.json -q --json --out run >&-
echo "exit $?"
assert "lock is clean" test "$(grep -c event run/lock)" -eq 0
#> exit 1
#2> diffc: the standard output cannot be written: Bad file descriptor
