# Without CONFIG.json the run's own configuration is taken; what is printed after Ctrl-C works as it stands.
diffc train tiny.json -q --out 'a run' --seed 5 --set method.prediction=v --steps 100000000 --set train.checkpoint_every=0 2>message &
for i in $(seq 200); do
    grep -qs '"step":2,' 'a run/stats.jsonl' && break
    sleep 0.1
done
kill -TERM $!
wait $!
assert "exit 130" test $? -eq 130
sed 's/step [0-9]*/step N/' message
advice=$(sed 's/.*continue with: //' message)
eval "$advice -q --set train.minutes=1e-9 --set train.steps=0"
assert "its own configuration" grep -q '"prediction": "v"' 'a run/config.json'
assert "its own seed" grep -q '"seed": 5' 'a run/config.json'
rm -r 'a run'
diffc train tiny.json -q --out runs/older --steps 1
sleep 0.1
diffc train tiny.json -q --out runs/newer --steps 1
diffc train -q --resume --steps 2
diffc train
#exit 2
#> diffc train: interrupted at step N; everything is saved; continue with: diffc train --resume --out 'a run'
#> a run
#> runs/older
#> runs/newer
#> runs/newer
#2> diffc train: CONFIG.json or DATA is missing: name a configuration, or pictures to train on, or continue a run with --resume --out RUN
#2> Try 'diffc train --help'.
