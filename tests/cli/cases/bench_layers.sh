# The layers are a result: on stdout, -q or not; with --json stdout stays one object.
diffc bench tiny.json -q --seconds 0 --batch 2 --layers >out
assert layers grep -q '^  conv2d ' out
diffc bench tiny.json -q --seconds 0 --batch 2 --layers --json >out
assert "one object" test "$(wc -l <out)" -eq 1
