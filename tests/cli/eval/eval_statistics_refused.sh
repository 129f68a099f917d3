# --stats and --save-stats say what they need, and what cannot be statistics, in one sentence before any work.
assert train diffc train tiny.json -q --out run >/dev/null
assert sample diffc sample -q -m run --count 3 --steps 1 --npz x.npz >/dev/null
seeds=$REPOSITORY/tests/fuzz/seeds/npz
head -c 300 "$seeds/statistics.npz" >cut.npz
echo "not an archive" >text.npz
# shellcheck disable=SC2086 # several words are meant
for words in "--stats $seeds/statistics.npz" '--save-stats out.npz' "--stats $seeds/statistics.npz --save-stats out.npz" \
    '--features w --stats missing.npz' '--features w --stats cut.npz' '--features w --stats text.npz' \
    '--features w --stats x.npz' "--features w --stats $seeds/statistics_float32.npz" \
    "--features w --stats $seeds/statistics_other_size.npz" "--features w --stats $seeds/statistics_flat.npz" \
    "--features w --stats $seeds/statistics_half.npz" "--features w --stats $seeds/statistics.npz" \
    '--features w --save-stats out.txt' '--features w --save-stats missing/out.npz' '--features w --save-stats out.npz' \
    '--features w --save-stats out.npz --count 1' '--features w --save-stats out.npz --data images-idx3-ubyte' \
    "--features w --stats $seeds/statistics.npz --resize" '--features w --save-stats out.npz --out nearest.png'; do
    diffc eval -q x.npz $words 2>&1 | sed "s|$REPOSITORY|REPOSITORY|g; /^Try/d"
    diffc eval -q x.npz $words >/dev/null 2>&1
    echo "exit $?"
done
ls
#> diffc eval: --stats is for features of Inception v3; name its weights with --features
#> exit 2
#> diffc eval: --save-stats is for features of Inception v3; name its weights with --features
#> exit 2
#> diffc eval: --stats and --save-stats are given; images are compared with statistics, or their own are written
#> exit 2
#> diffc eval: missing.npz: cannot open: No such file or directory
#> exit 1
#> diffc eval: cut.npz: is a damaged .npz file: its directory is missing
#> exit 1
#> diffc eval: text.npz: is text, expected an .npz file
#> exit 1
#> diffc eval: x.npz: holds no array mu, where the statistics mu and sigma of pytorch-fid are expected
#> exit 1
#> diffc eval: REPOSITORY/tests/fuzz/seeds/npz/statistics_float32.npz: mu is of the type '<f4'; expected '<f8' (float64)
#> exit 1
#> diffc eval: REPOSITORY/tests/fuzz/seeds/npz/statistics_other_size.npz: mu has 2 numbers, but sigma is 3 x 3
#> exit 1
#> diffc eval: REPOSITORY/tests/fuzz/seeds/npz/statistics_flat.npz: sigma is no array of 2 dimensions
#> exit 1
#> diffc eval: REPOSITORY/tests/fuzz/seeds/npz/statistics_half.npz: holds no array sigma, where the statistics mu and sigma of pytorch-fid are expected
#> exit 1
#> diffc eval: REPOSITORY/tests/fuzz/seeds/npz/statistics.npz: holds statistics of 2 features; those of --features are 2048
#> exit 1
#> diffc eval: --save-stats is out.txt, but it is written as npz; give it a name that ends in .npz
#> exit 2
#> diffc eval: missing/out.npz: cannot create: No such file or directory
#> exit 1
#> diffc eval: w: cannot open: No such file or directory
#> exit 1
#> diffc eval: x.npz: 1 of its 3 images has no covariance; at least 2 are needed
#> exit 2
#> diffc eval: --save-stats and --data are given; with --save-stats no data are read
#> exit 2
#> diffc eval: --stats and --resize are given; with --stats no data are read
#> exit 2
#> diffc eval: --save-stats and --out are given; with --save-stats no data are read
#> exit 2
#> cut.npz
#> images-idx3-ubyte
#> run
#> text.npz
#> tiny.json
#> x.npz
