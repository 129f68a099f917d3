# What is saved is the state of the last checkpoint, which need not be a step whose loss was logged. What the log has
# beyond it is a run that goes on, or was killed.
assert train diffc train tiny.json -q --out run --set train.log_every=2 --set train.checkpoint_every=3 --set train.keep=2 >/dev/null
said() { sed -n "s/, [0-9.]* s,/, N s,/; s/loss [0-9.]*/loss N/; /^  training/p"; }
diffc info run/checkpoints/step-00000003.safetensors | said
diffc info run | said
grep -n '"event":"checkpoint","step":3,"images":12,"seconds":' run/stats.jsonl | cut -d: -f1 >line
sed -i "$(cat line)q" run/stats.jsonl
diffc info run | said
diffc info run --json | grep -o '"training":{"step":3,"images":12,"loss":[0-9.]*,"loss_step":2,' | sed 's/"loss":[0-9.]*/"loss":N/'
updates() { diffc report run -q >/dev/null && grep -o '<dt>Updates</dt><dd>[0-9]*\|Saved up to[^<]*' run/report.html; }
updates
echo '{"event":"step","step":5,"images":20,"loss":1,"seconds":9}' >>run/stats.jsonl
diffc info run | said
updates
# The log of an earlier version.
sed -i '/"checkpoint"/s/,"images".*/}/' run/stats.jsonl
diffc info run | said
#>   training     step 3, 12 images, N s, loss N at step 2
#>   training     step 4, 16 images, N s, loss N
#>   training     step 3, 12 images, N s, loss N at step 2
#> "training":{"step":3,"images":12,"loss":N,"loss_step":2,
#> <dt>Updates</dt><dd>3
#>   training     step 3, 12 images, N s, loss N at step 5
#> <dt>Updates</dt><dd>3
#> Saved up to update 3; the log goes on to update 5.
#>   training     step 3, loss N at step 5
