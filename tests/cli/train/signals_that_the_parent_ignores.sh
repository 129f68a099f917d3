# Under nohup SIGHUP stays ignored; a SIGINT sent to a background process of sh saves, as SIGHUP does else.
started() { # RUN
    for i in $(seq 300); do
        grep -qs '"step":2,' "$1/stats.jsonl" && return
        sleep 0.1
    done
}
long='-q --steps 100000000 --set train.checkpoint_every=0'
# The tests may themselves run under nohup.
env --default-signal=HUP diffc train tiny.json $long --out caught 2>said &
started caught
kill -HUP $!
wait $!
echo "SIGHUP: $?, $(ls caught/checkpoints | wc -l) checkpoint"
nohup diffc train tiny.json $long --out ignoring 2>said &
started ignoring
kill -HUP $!
lines=$(wc -l <ignoring/stats.jsonl)
for i in $(seq 300); do
    [ "$(wc -l <ignoring/stats.jsonl)" -gt $((lines + 3)) ] && break
    sleep 0.1
done
assert "it goes on" test "$(wc -l <ignoring/stats.jsonl)" -gt $((lines + 3))
kill -INT $!
wait $!
echo "SIGINT: $?"
# The second signal ends a step that would take an hour, unsaved.
diffc train tiny.json $long --out endless --set train.accumulate=1024 --set train.batch=1024 2>said &
for i in $(seq 300); do
    [ -e endless/config.json ] && break
    sleep 0.1
done
kill -TERM $!
sleep 0.5
kill -TERM $!
wait $!
echo "twice: $?, $(ls endless | grep -c checkpoints) checkpoints"
#> SIGHUP: 130, 1 checkpoint
#> SIGINT: 130
#> twice: 143, 0 checkpoints
