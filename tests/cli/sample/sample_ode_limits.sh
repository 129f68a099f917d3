# The adaptive sampler takes no number of steps, and says when its limit of calls is too low.
assert train diffc train tiny.json -q --out run --steps 2 >/dev/null
diffc sample -q -m run --sampler ode --steps 7
echo $?
diffc sample -m run --sampler ode --tolerance 0.1 --count 1 --json --out one.png 2>&1 | grep -o '^run: .*, batch\|"steps":[0-9]*'
diffc sample -q -m run --sampler ode --tolerance 1e-9 --call-limit 20 2>said
echo $?
assert "the image, the tolerance and what to do" grep -q 'image 0 .*tolerance 1e-09.*a larger' said
test -e grid.png && echo "a grid was written"
diffc sample -q -m run --sampler pc --eta 0.5
echo $?
diffc sample -q -m run --sampler langevin --steps 3
echo $?
#> 2
#> run: 1 image of 16x16, sampler ode, tolerance 0.1, batch
#> 1
#> 2
#> 2
#2> diffc sample: steps are given, but ode takes as many network calls as its tolerance needs and its call limit allows
#2> Try 'diffc sample --help'.
#2> diffc sample: --eta belongs to the sampler ddim; pc does not use it
#2> Try 'diffc sample --help'.
#2> diffc sample: sampler langevin: 3 network calls are not enough for one step, which takes 6
#2> Try 'diffc sample --help'.
