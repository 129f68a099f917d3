# The run starts again as a new run does: from the weights of train.init, and as the same run.
diffc train tiny.json -q --out base --steps 60 --set train.lr=0.01
diffc train tiny.json -q --out run --init base --steps 100000000 --set train.checkpoint_every=0 &
for i in $(seq 200); do
    grep -qs '"step":2,' run/stats.jsonl && break
    sleep 0.1
done
kill -KILL $!
wait $! 2>/dev/null
assert "no checkpoint" test ! -e run/checkpoints
loss() { head -n 1 run/stats.jsonl | grep -o '"loss":[^,]*'; }
first=$(loss)
diffc train tiny.json --resume --out run --steps 2 --set method.schedule=cosine
diffc train tiny.json --resume --out run --steps 2 2>said
grep -A 3 'has no checkpoint yet' said
assert "the same first loss" test "$(loss)" = "$first"
#> base
#> run
#> run has no checkpoint yet: starting from the beginning
#> train.steps: 100000000 -> 2
#> train.checkpoint_every: 0 -> 2
#> run: run
#2> diffc train: run: --resume cannot change these keys: method.schedule is "linear" in the run, but "cosine" here; keep the run's own values (they are taken when CONFIG.json is left out) or start a new run
#2> Try 'diffc train --help'.
