# SIGTERM finishes the step, saves and exits with 130; the run goes on from there.
diffc train tiny.json -q --out run --steps 100000000 --set train.checkpoint_every=0 2>message &
for i in $(seq 200); do
    grep -qs '"step":3,' run/stats.jsonl && break
    sleep 0.1
done
kill -TERM $!
wait $!
assert "exit 130" test $? -eq 130
sed 's/step [0-9]*/step N/' message
step=$(diffc info run --json | sed 's/.*"training":{"step":\([0-9]*\),.*/\1/')
assert "three steps" test "$step" -ge 3
assert resume diffc train tiny.json -q --out run --steps $((step + 1)) --resume
assert "one more" grep -q "\"step\":$((step + 1))," run/stats.jsonl
#> diffc train: interrupted at step N; everything is saved; continue with: diffc train --resume --out run
#> run
