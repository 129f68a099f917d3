# tests/bench/compare.sh with a peer that stands in for Python: it is ready, answers as often as ANSWERS says, and dies.
needs bash
compare() {
    PEERS=$PWD/peer DIFFC=diffc PAUSE=0 SECONDS_EACH=0 ROUNDS=${ROUNDS:-1} "$REPOSITORY/tests/bench/compare.sh" "$@" 2>said >table
    echo "rc $?"
    sed "s|$PWD/||g; s/^[^ ].*compare.sh: //" said
}
cat >peer <<'END'
#!/bin/sh
[ "$1" = -c ] && exit 0
case $5 in frozen*) echo "cannot freeze" >&2 && exit 1 ;; esac
echo ready
i=0
while [ $i -lt "$ANSWERS" ] && read -r line; do
    i=$((i + 1))
    echo '{"images_per_s": 5, "peak_mib": 3, "version": "1"}'
done
[ $i -lt "$ANSWERS" ] || echo "out of memory" >&2
END
chmod +x peer
sed 's/"data": *{/&"size": 8, "channels": 1, /' tiny.json >sized.json
export ANSWERS=99
tiny=$PWD/sized.json
VARIANTS=channels_last compare
HALF=1 VARIANTS="eager onnxruntime" compare
compare tiny sample abc
compare tiny sample 0
compare tiny draw
compare tiny sample 1 2
ROUNDS=x compare
ROUNDS=0 compare
echo '{"model": {"size": 8}, "data": {}}' >bare.json
compare "$PWD/bare.json" sample 1
compare "$PWD/none.json" sample 1
# All is well; one cannot start.
VARIANTS="eager frozen" compare "$tiny" sample 1
awk '/^sized/ {print $2, $3, $5, $NF}' table
# In bfloat16 ONNX Runtime has no part.
HALF=1 compare "$tiny" sample 1
# Dead at once, and after the two tries and one round.
ANSWERS=0 VARIANTS="eager openvino" compare "$tiny" sample 1
awk '/^sized/ {print $2, $3, $5, $NF}' table
ANSWERS=2 ROUNDS=3 VARIANTS=eager compare "$tiny" sample 1
awk '/^sized/ {print $2, $3, $5, $NF}' table
#> rc 2
#> compare.sh: VARIANTS has 'channels_last'; it may have: eager, channels-last, compiled, compiled-channels-last, frozen, onnxruntime, openvino
#> rc 2
#> compare.sh: onnxruntime has no half precision; leave it out of VARIANTS
#> rc 2
#> compare.sh: the batch is 'abc'; it must be a whole number of at least 1
#> rc 2
#> compare.sh: the batch is '0'; it must be a whole number of at least 1
#> rc 2
#> compare.sh: the task is 'draw'; it must be train or sample
#> rc 2
#> compare.sh: unexpected argument '2': it takes NETWORK, TASK and BATCH
#> rc 2
#> compare.sh: ROUNDS is 'x'; it must be a whole number of at least 1
#> rc 2
#> compare.sh: ROUNDS is '0'; it must be a whole number of at least 1
#> rc 2
#> compare.sh: bare.json: data.size must be a number: the peers take the shape of an image from it
#> rc 2
#> compare.sh: none.json cannot be read
#> rc 0
#>   eager 5
#>   eager 5
#>   frozen none: cannot freeze
#> sample 1 5.0 eager
#> rc 0
#>   eager-half 5
#>   eager-half 5
#>   channels-last-half 5
#>   channels-last-half 5
#>   compiled-half 5
#>   compiled-half 5
#>   compiled-channels-last-half 5
#>   compiled-channels-last-half 5
#>   frozen-half none: cannot freeze
#>   openvino-half 5
#>   openvino-half 5
#> rc 1
#>   eager died while it was measured: out of memory
#>   openvino died while it was measured: out of memory
#> compare.sh: none of the peers could be measured
#> sample 1 - -
#> rc 0
#>   eager 5
#>   eager 5
#>   eager died while it was measured: out of memory
#> sample 1 5.0 eager
