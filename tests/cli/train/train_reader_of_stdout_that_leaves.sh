# A dead reader of stdout and of stderr stops no training.
diffc train tiny.json --json --out run 2>/dev/null | head -n 1 | grep -o '"event":"step"'
{ diffc train tiny.json --out other 2>&1 >/dev/null; echo "exit $?" >status; } | head -n 1 >/dev/null
cat status
for run in run other; do
    tail -n 1 $run/stats.jsonl | grep -o '"event":"samples","step":4'
done
#> "event":"step"
#> exit 0
#> "event":"samples","step":4
#> "event":"samples","step":4
