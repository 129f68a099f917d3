# Where one table fails on the way, the other is not left cut short under its name.
assert train diffc train tiny.json -q --out run >/dev/null
for i in 1 2 3; do assert image diffc sample -q -m run --count 1 --steps 1 --seed $i --out $i.png >/dev/null; done
echo old >table.csv
(ulimit -f 4 && exec diffc nll -q -m run 1.png 2.png 3.png --csv table.csv --per-step steps.csv >/dev/null) 2>&1
echo "exit $?"
cat table.csv
ls *.csv*
#> diffc nll: steps.csv: cannot write: File too large
#> exit 1
#> old
#> table.csv
