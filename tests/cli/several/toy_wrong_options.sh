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
#> exit 2
#> exit 2
#> exit 2
#> exit 2
#> exit 2
#> exit 2
#> images
#> exit 2
#> images
#> images-idx3-ubyte
#> run
#> tiny.json
#2> diffc sample: --npz is for images, but the model gives points; write them with --out or --csv
#2> Try 'diffc sample --help'.
#2> diffc sample: --out-dir is for images, but the model gives points; write them with --out or --csv
#2> Try 'diffc sample --help'.
#2> diffc sample: --clip keeps images within [-1, 1], but the model gives points, which lie anywhere
#2> Try 'diffc sample --help'.
#2> diffc sample: run/model: the model gives points, which have no size; leave --size out
#2> Try 'diffc sample --help'.
#2> diffc sample: --label is given, but the model has no classes
#2> Try 'diffc sample --help'.
#2> diffc nll: run: the model gives points of the plane, not images of 8 bits
#2> Try 'diffc nll --help'.
#2> diffc sample: --csv is for points, but the model makes images; write them with --out, --out-dir or --npz
#2> Try 'diffc sample --help'.
