# Images of another model or of other settings are never mixed in; the message names what differs.
assert train diffc train tiny.json -q --steps 2 --set method.steps=1000 --out run >/dev/null
try() { diffc sample -q -m run --count 1000 --batch 2 "$@" 2>&1 | sed '/^Try/d; s/[0-9a-f]\{16\}/HASH/g'; }
diffc sample -q -m run --count 1000 --batch 2 --steps 20 --out-dir images >/dev/null 2>&1 &
for i in $(seq 3000); do
    [ -e images/000001.png ] && break
    sleep 0.01
done
try --steps 20 --out-dir images
kill -KILL $!
wait $! 2>/dev/null
set -- --out-dir images --continue
try --steps 21 "$@"
try --steps 20 --sampler heun "$@"
try --steps 20 --eta 0.5 "$@"
try --steps 20 --seed 7 "$@"
try --steps 20 --size 8 "$@"
try --steps 20 --continue
try --steps 20 --continue --out grid.png
try --steps 20 --continue --npz x.npz
try --steps 20 --out-dir none --continue
[ -e none ] && echo "a folder was made"
mv run other
assert train diffc train tiny.json -q --steps 3 --set method.steps=1000 --out run >/dev/null
try --steps 20 "$@"
rm -r run
mv other run
sed -i.old 's/"clip_sample": *true/"clip_sample": false/' run/model/scheduler/scheduler_config.json
cmp -s run/model/scheduler/scheduler_config.json.old run/model/scheduler/scheduler_config.json && echo "not changed"
try --steps 20 "$@"
mv run/model/scheduler/scheduler_config.json.old run/model/scheduler/scheduler_config.json
mkfifo pipe
try --steps 20 --npz pipe --continue
echo "a user's" >x.npz.part
try --steps 20 --npz x.npz
cat x.npz.part
ln -s nowhere y.npz.part
try --steps 20 --npz y.npz
head -c 40 images/sample-0.part >cut
cat cut >images/sample-0.part
try --steps 20 "$@"
ls images | grep -v png
echo "begins anew:"
for bytes in 0 1 5 40; do
    head -c $bytes cut >z.npz.part
    assert "$bytes bytes" diffc sample -q -m run --count 1 --steps 1 --npz z.npz
done
#> diffc sample: images/sample-0.part: another process is making these images
#> diffc sample: images/sample-0.part: cannot be continued: steps was 20 when it was begun, but is 21 now
#> diffc sample: images/sample-0.part: cannot be continued: sampler was ddim when it was begun, but is heun now
#> diffc sample: images/sample-0.part: cannot be continued: eta was 0 when it was begun, but is 0.5 now
#> diffc sample: images: cannot be continued: what was interrupted there has another seed (it is sample-0.part, not sample-7.part)
#> diffc sample: images/sample-0.part: cannot be continued: size was 16x16x1 when it was begun, but is 8x8x1 now
#> diffc sample: --continue finishes an interrupted folder (--out-dir) or file (--npz); name it
#> diffc sample: --continue finishes an interrupted folder (--out-dir) or file (--npz); name it
#> diffc sample: x.npz.part: is not there, so there is nothing to continue; leave --continue out to begin
#> diffc sample: none/sample-0.part: is not there, so there is nothing to continue; leave --continue out to begin
#> diffc sample: images/sample-0.part: cannot be continued: the checksum of the weights was HASH when it was begun, but is HASH now
#> diffc sample: images/sample-0.part: cannot be continued: the checksum of the model's files was HASH when it was begun, but is HASH now
#> diffc sample: --continue finishes an interrupted folder (--out-dir) or file (--npz); name it
#> diffc sample: x.npz.part: is in the way, and diffc did not write it; move it away
#> a user's
#> diffc sample: y.npz.part: cannot open: Too many levels of symbolic links
#> diffc sample: images/sample-0.part: is damaged at its beginning; start again without --continue
#> sample-0.part
#> begins anew:
#> z.npz
#> z.npz
#> z.npz
#> z.npz
