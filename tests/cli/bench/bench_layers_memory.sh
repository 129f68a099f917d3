# The roof walks tens of megabytes, which are no part of the peak memory where the system can forget a peak.
needs no-sanitizer
[ -w /proc/self/clear_refs ] || exit 0
peak() {
    diffc bench tiny.json --json -q --seconds 0 --repeat 1 --batch 1 "$@" | sed -n 's/.*"peak_memory_bytes":\([0-9]*\).*/\1/p'
}
without=$(peak) with=$(peak --layers)
assert "the same peak" test "$with" -lt $((without + 8388608))
