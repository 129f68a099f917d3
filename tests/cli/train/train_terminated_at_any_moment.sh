# SIGTERM at twenty moments, from start-up to saving: either nothing was begun or the run is saved and
# goes on; SIGKILL: no announced checkpoint is lost.
moment=0
for signal in TERM KILL; do
    for i in 0 1 2 3 4 5 6 7 8 9; do
        moment=$((moment + 37))
        diffc train tiny.json -q --out run$moment --steps 100000000 --set train.checkpoint_every=1 2>said &
        sleep 0.$((moment % 400 + 100))
        kill -$signal $!
        wait $! 2>/dev/null
        status=$?
        [ -e run$moment/config.json ] || continue
        [ $signal = KILL ] || [ $status -eq 130 ] || echo "exit $status"
        announced=$(grep -o '"event":"checkpoint","step":[0-9]*' run$moment/stats.jsonl | tail -n 1 | grep -o '[0-9]*$')
        diffc train -q --resume --out run$moment --steps $((${announced:-0} + 3)) >out 2>said || cat said
        # Where none was announced, the first may have been saved, and is then not announced later either.
        [ -z "$announced" ] || grep -q "\"event\":\"checkpoint\",\"step\":$announced[,}]" run$moment/stats.jsonl ||
            echo "$announced is lost"
        rm -rf run$moment
    done
done
