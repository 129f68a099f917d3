# A file that cannot be finished leaves neither a part nor a temporary file; the older one stays.
assert train diffc train tiny.json -q --out run >/dev/null
echo old >x.npz
(ulimit -f 4 && diffc sample -q -m run --count 64 --npz x.npz)
echo "exit $?"
ls x.npz*
cat x.npz
#> exit 1
#> x.npz
#> old
#2> diffc sample: x.npz.part: cannot write: File too large
