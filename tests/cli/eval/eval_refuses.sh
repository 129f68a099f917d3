# What cannot be compared is said in one sentence before any work, and nothing is written.
assert train diffc train tiny.json -q --out run >/dev/null
assert sample diffc sample -q -m run --count 5 --steps 1 --npz x.npz --out-dir im >/dev/null
assert toy diffc train "$REPOSITORY/configs/toy-ring.json" -q --out ring --steps 2 >/dev/null
mkdir empty few sizes && cp im/000000.png im/000001.png few
cp "$REPOSITORY/data/boot.png" sizes/a.png && cp "$REPOSITORY/data/fashion-samples.png" sizes/b.png
printf '\000\000\010\003\000\000\000\100\000\000\000\010\000\000\000\010' >small-idx3-ubyte
head -c 4096 /dev/zero >>small-idx3-ubyte
cp -r run/model plain
echo "not an archive" >text.npz
# shellcheck disable=SC2086 # several words are meant
for words in '' 'x.npz' '-m plain' 'missing' 'x.npz -m run' 'x.npz --data images-idx3-ubyte --steps 3' \
    'x.npz --data small-idx3-ubyte' 'empty --data images-idx3-ubyte' 'x.npz --data empty' \
    'few --data images-idx3-ubyte' 'x.npz --data few' '-m run --count 3' 'text.npz --data images-idx3-ubyte' \
    '-m ring' '-m run --out nearest.jpg' '-m run --out missing/nearest.png' 'x.npz --data im --part test' \
    '-m run --part tset' '-m run --label 1' 'x.npz im' '-m run --sampler ddim --churn 1' \
    "x.npz --data sizes" "x.npz --data sizes/missing" "x.npz --data x.npz" 'im --data images-idx3-ubyte --count 3' \
    'x.npz --data images-idx3-ubyte --count 1'; do
    diffc eval -q $words 2>&1 | sed '/^Try/d'
    diffc eval -q $words >/dev/null 2>&1
    echo "exit $?"
done
ls
# Data of another size can be made to fit.
diffc eval -q x.npz --data small-idx3-ubyte --resize | head -n 1
#> diffc eval: there is no folder runs here; train a model first or give --model PATH
#> exit 1
#> diffc eval: --data is missing: it names the data set with which x.npz is compared
#> exit 2
#> diffc eval: plain: is not in a run that says its training data; name a data set with --data PATH
#> exit 2
#> diffc eval: missing: cannot open: there is no such run, model, folder of images or file
#> exit 1
#> diffc eval: x.npz and --model are given; one of them is enough
#> exit 2
#> diffc eval: --steps belongs to a model that makes images; x.npz holds them
#> exit 2
#> diffc eval: small-idx3-ubyte: has grey images of 8x8, but those of x.npz are grey images of 16x16; --resize makes the data fit
#> exit 2
#> diffc eval: empty: is an empty folder, expected images
#> exit 1
#> diffc eval: empty: is an empty folder, expected images
#> exit 1
#> diffc eval: few: 2 images are too few to compare; at least 4 are needed
#> exit 2
#> diffc eval: few: 2 images are too few to compare with; at least 8 are needed, which are cut into two parts
#> exit 2
#> diffc eval: run: 3 images are too few to compare; at least 4 are needed
#> exit 2
#> diffc eval: text.npz: is text, expected an .npz file
#> exit 1
#> diffc eval: ring: the model gives points of the plane, and eval compares images
#> exit 2
#> diffc eval: --out is nearest.jpg, but it is written as PNG; give it a name that ends in .png
#> exit 2
#> diffc eval: missing/nearest.png: cannot create: No such file or directory
#> exit 1
#> diffc eval: im: this folder of images has no test part (train beside test or val); give the folder of test images
#> exit 2
#> diffc eval: --part is 'tset'; it must be train or test; did you mean 'test'?
#> exit 2
#> diffc eval: --label is given, but the model has no classes
#> exit 2
#> diffc eval: unexpected argument 'im': eval takes one MODEL|FOLDER|FILE.npz
#> exit 2
#> diffc eval: --churn belongs to the sampler heun; ddim does not use it
#> exit 2
#> diffc eval: sizes: its images have several sizes, the first 28x28, b.png 238x238; --resize makes them fit
#> exit 2
#> diffc eval: sizes/missing: cannot open the data: No such file or directory
#> exit 1
#> diffc eval: x.npz: is an .npz file of NumPy arrays, expected IDX or CIFAR-10 binary data, or a folder of images
#> exit 1
#> diffc eval: im: 3 of its 5 images are too few to compare; at least 4 are needed
#> exit 2
#> diffc eval: x.npz: 1 of its 5 images is too few to compare; at least 4 are needed
#> exit 2
#> empty
#> few
#> im
#> images-idx3-ubyte
#> plain
#> ring
#> run
#> sizes
#> small-idx3-ubyte
#> text.npz
#> tiny.json
#> x.npz
#> 5 images, and 5 other images of the data, each beside the same 5 images of the data
