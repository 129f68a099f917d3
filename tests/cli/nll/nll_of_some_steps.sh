# The bound of a chain of some of the steps; those chosen for it are better than those at even distance.
assert train diffc train tiny.json -q --out run --set train.steps=60 --set train.lr=0.005 >/dev/null
mean() { diffc nll -q -m run --data images-idx3-ubyte --part train --count 16 --variance fitted --exact "$@" | sed 's/.*: \([0-9.]*\) bits.*/\1/'; }
all=$(mean)
even=$(mean --steps 4)
best=$(mean --steps 4 --spacing dp)
assert "fewer steps cost" awk "BEGIN { exit !($all < $best) }"
assert "chosen ones less" awk "BEGIN { exit !($best < $even) }"
assert "all of them none" test "$all" = "$(mean --steps 20)"
# What is worse than no model is said, with what helps; tiny pictures of noise are no boot.
doubt() { diffc nll -m run --data images-idx3-ubyte --part train --count 4 "$@" 2>&1 >/dev/null | grep '^warning' | sed 's/[0-9.]* bits/N bits/'; }
doubt --steps 4
doubt --steps 4 --spacing dp --variance fitted
doubt
assert sample diffc sample -q -m run --spacing dp --steps 4 --count 1 --out x.png --json >line
sed 's/.*"network_calls":\([0-9]*\).*/\1/' line
cp -r run/model folder
diffc sample -q -m folder --spacing dp --steps 4 --count 1 --out x.png
diffc sample -q -m folder --spacing dp --steps 4 --count 1 --out x.png --fit-data images-idx3-ubyte
diffc sample -q -m run --sampler ddpm --spacing dp
diffc nll -q -m run --data images-idx3-ubyte --steps 21
diffc nll -q -m run --data images-idx3-ubyte --spacing dp
diffc nll -q -m run --data images-idx3-ubyte --steps 4 --spacing karras
assert points diffc train "$REPOSITORY/configs/toy-ring.json" -q --steps 2 --out points --set method.type=ddpm --set sample.sampler=auto >/dev/null
diffc sample -q -m points --spacing dp --steps 5
#exit 2
#> warning: N bits/dim are more than the 8 of raw pixels: the errors of so few steps exceed the model's variances; try --variance fitted, --spacing dp or more --steps
#> warning: N bits/dim are more than the 8 of raw pixels: the model predicts these images badly; try --variance fitted
#> 4
#> x.png
#2> diffc sample: folder: is not in a run that says its training data; what is measured on them needs --fit-data PATH
#2> Try 'diffc sample --help'.
#2> diffc sample: --spacing dp chooses steps; how many is for --steps
#2> Try 'diffc sample --help'.
#2> diffc nll: cannot choose 21 steps: the model has 20
#2> Try 'diffc nll --help'.
#2> diffc nll: --spacing says which steps are taken; how many is for --steps
#2> Try 'diffc nll --help'.
#2> diffc nll: the spacing karras has levels between the trained steps; for a chain of some of them it must be even, leading, trailing, quadratic or dp
#2> Try 'diffc nll --help'.
#2> diffc sample: points/model: gives points, but the spacing dp is measured on images; even, leading, trailing and quadratic do not measure
#2> Try 'diffc sample --help'.
