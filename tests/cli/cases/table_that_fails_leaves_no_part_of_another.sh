# Two files of one command: where one fails on the way, the other is not left cut short under its
# name; at the end each is written whole, whatever becomes of the other.
assert train diffc train tiny.json -q --out run >/dev/null
for i in 1 2 3; do assert image diffc sample -q -m run --count 1 --steps 1 --seed $i --out $i.png >/dev/null; done
echo old >table.csv
(ulimit -f 4 && exec diffc nll -q -m run 1.png 2.png 3.png --csv table.csv --per-step steps.csv >/dev/null) 2>&1
echo "exit $?"
cat table.csv
ls *.csv*

echo "sample: the picture fits, the pixels do not:"
(ulimit -f 32 && exec diffc sample -q -m run --count 64 --steps 1 --npz x.npz --out grid.png) 2>&1
echo "exit $?"
ls *grid.png* x.npz* 2>/dev/null
exit 0
