# A second process refuses the run and names the first; a killed one does not block.
diffc train tiny.json -q --out run --steps 100000000 --set train.checkpoint_every=1 2>said &
for i in $(seq 300); do
    grep -qs '"event":"checkpoint"' run/stats.jsonl && break
    sleep 0.1
done
for i in 1 2 3; do
    diffc train -q --resume --out run 2>&1 | sed "s/process $!;/process PID;/"
done
kill -KILL $!
wait $! 2>/dev/null
step=$(grep -o '"event":"checkpoint","step":[0-9]*' run/stats.jsonl | tail -n 1 | grep -o '[0-9]*$')
assert "resumes" diffc train -q --resume --out run --steps $((step + 2))
#> diffc train: run: is in use by process PID; wait until it ends or choose another folder
#> diffc train: run: is in use by process PID; wait until it ends or choose another folder
#> diffc train: run: is in use by process PID; wait until it ends or choose another folder
#> run
