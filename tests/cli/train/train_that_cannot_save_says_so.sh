# Errors are never quiet: with -q a failed save is a line on stderr and one of the log; when every save
# failed, an interruption ends with 1 and says what is lost and how to go on.
(
    ulimit -f 12
    exec diffc train tiny.json -q --out run --steps 100000000 --set train.checkpoint_every=2 2>said
) &
for i in $(seq 300); do
    grep -qs save_failed run/stats.jsonl && break
    sleep 0.1
done
kill -TERM $!
wait $!
echo "exit $?"
grep -m 1 'step 2' said
grep -m 1 -o '"event":"save_failed","step":2,.*' run/stats.jsonl
tail -n 1 said | sed 's/step [0-9]*/step N/g; s/step-[0-9]*/step-N/g'
ls run/checkpoints
#> exit 1
#> diffc train: step 2: not saved: run/checkpoints/step-00000002.safetensors: cannot write: File too large; training goes on
#> "event":"save_failed","step":2,"part":"checkpoint","reason":"run/checkpoints/step-00000002.safetensors: cannot write: File too large"}
#> diffc train: interrupted, and step N is not saved: run/checkpoints/step-N.safetensors: cannot write: File too large; there is no checkpoint, and all updates are lost; when that is mended, continue with: diffc train --resume --out run
