# The log is appended to and read from its end, by train and by info.
assert train diffc train tiny.json -q --out run >/dev/null
tail -n 3 run/stats.jsonl >end
grep -h '"event":"step","step":4' run/stats.jsonl >>end
truncate -s 1100M run/stats.jsonl
{
    echo
    cat end
    echo '{"event":"step","step":5,"loss":9}'
} >>run/stats.jsonl
diffc info run --json | grep -o '"loss_step":5'
assert resume diffc train -q --resume --out run --steps 6
tail -n 1 run/stats.jsonl | grep -o '"event":"samples","step":6'
tail -c 10000 run/stats.jsonl | grep -a '"loss":9}'
true
#> "loss_step":5
#> run
#> "event":"samples","step":6
