# A chain of one kept step is drawn from by every sampler; what needs two steps says so. All steps kept is
# a DDPM. The best single step, and the best of all, are those that there are.
own="--set method.type=eddpm --set train.steps=8 --set sample.steps=0 --set sample.sampler=auto"
assert one diffc train tiny.json -q --out one $own --set method.keep=1 >/dev/null
assert all diffc train tiny.json -q --out all $own --set method.keep=20 >/dev/null
diffc info one | grep 'kept steps'
for sampler in ddpm ddim heun dpm++2m unipc ode ancestral reverse-sde; do
    diffc sample -q -m one --sampler $sampler --count 1 --out x.png --json |
        sed "s/.*\"network_calls\":\([0-9]*\).*/$sampler \1/"
done
diffc sample -q -m one --sampler unipc --steps 2 --count 1 --out x.png
diffc nll -q -m one --data images-idx3-ubyte --count 1
diffc nll -q -m one --data images-idx3-ubyte --count 1 --protocol ode
diffc info all | sed -n '/method/p; /kept/p'
for steps in 1 20; do
    diffc sample -q -m all --sampler ddpm --spacing dp --steps $steps --count 1 --out x.png --json |
        sed "s/.*\"network_calls\":\([0-9]*\).*/dp \1/"
done
mean() { diffc nll -q -m all --data images-idx3-ubyte --part train --count 4 --variance fitted --exact "$@"; }
assert "dp of all steps is all steps" test "$(mean)" = "$(mean --steps 20 --spacing dp)"
#>   kept steps   19
#> ddpm 1
#> ddim 1
#> heun 1
#> dpm++2m 1
#> unipc 1
#> ode 1
#> ancestral 1
#> reverse-sde 1
#>   method       ddpm, 20 steps, linear schedule from 0.0001 to 0.02, predicts eps
#> dp 1
#> dp 20
#2> diffc sample: sampler unipc: cannot take 2 steps: the model has 1 timestep, so the number of steps must be 1
#2> Try 'diffc sample --help'.
#2> diffc nll: the variational bound needs two or more steps; this model has 1
#2> Try 'diffc nll --help'.
#2> diffc nll: the probability flow runs from the cleanest to the noisiest level; this model has 1 step, and it takes two or more
#2> Try 'diffc nll --help'.
