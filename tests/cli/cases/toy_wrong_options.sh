# What belongs to images is refused by name, and nothing is written.
assert train diffc train "$REPOSITORY/configs/toy-ring.json" -q --steps 2 --out run >/dev/null
for option in '--npz a.npz' '--out-dir a' --clip '--size 8' '--label 1'; do
    diffc sample -q -m run $option
    echo "exit $?"
done
diffc nll -m run images-idx3-ubyte
echo "exit $?"
assert train diffc train tiny.json -q --steps 1 --out images
diffc sample -q -m images --csv points.csv
echo "exit $?"
ls
