# At the end, after an interruption and after a divergence; where it cannot be written, that is said and nothing is lost.
assert train diffc train tiny.json -q --out whole >/dev/null
assert "at the end" grep -q '<h1>whole</h1>' whole/report.html
assert "its machine" grep -q 'Version</th><td>diffc [0-9.]*</td>' whole/report.html
mkdir -p kept && cp -r whole kept/run && rm kept/run/report.html && mkdir kept/run/report.html
diffc train -q --resume --out kept/run --steps 5
assert "all is saved" test -e kept/run/checkpoints/step-00000005.safetensors
diffc train tiny.json -q --out cut --steps 100000000 2>said &
for i in $(seq 300); do
    grep -qs '"step":3,' cut/stats.jsonl && break
    sleep 0.1
done
kill -TERM $!
wait $!
echo "exit $?"
assert "when interrupted" grep -q '<h1>cut</h1>' cut/report.html
diffc train tiny.json -q --out wild --steps 200 --set train.lr=10 --set train.optimizer=adamw --set train.weight_decay=10 --set train.warmup=0 2>said
echo "exit $?"
assert "when diverged" grep -q '<h1>wild</h1>' wild/report.html
grep -c report said
true
#> kept/run
#> exit 130
#> exit 3
#> 0
#2> diffc train: the report is not written: kept/run/report.html: is a folder, cannot be written as a file
