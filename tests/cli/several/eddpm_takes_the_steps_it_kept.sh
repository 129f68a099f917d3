# A model that chose its steps takes exactly these by default, and info shows where they lie.
own="--set method.type=eddpm --set method.keep=5 --set train.steps=20 --set sample.steps=0 --set sample.sampler=auto"
assert train diffc train tiny.json -q --out run $own >/dev/null
calls() { diffc sample -q -m "$1" --count 2 --out x.png --json ${2:-} | sed 's/.*"network_calls":\([0-9]*\).*/\1/'; }
assert "ddpm" test "$(calls run)" = 5
assert "ddim" test "$(calls run '--sampler ddim')" = 5
assert "fewer when asked" test "$(calls run '--sampler ddim --steps 3')" = 3
cp -r run/model folder
assert "without the run" test "$(calls folder)" = 5
for sampler in heun dpm++2m unipc ode; do
    assert "$sampler" diffc sample -q -m run --sampler $sampler --count 1 --out y.png >/dev/null
done
diffc info run | sed -n '/method/p; s/|/./g; s/ [0-9 ]*19$/ N 19/p' | sed 's/\[[ .0-9]*\]/[...]/'
diffc info run | grep -c 'log SNR .*\[.*|.*\]'
diffc info run --json | sed 's/.*"method":"eddpm","steps":20,"schedule":"linear","variance":"[a-z]*","kept_steps":\[\([0-9,]*\),19\],"alphas":"merged".*/\1/' | tr , '\n' | wc -l
# Its bound is that of its own chain.
diffc nll -q -m run --data images-idx3-ubyte --count 4 --json --exact | tail -n 1 | sed "s/.*\"count\":4,.*/scored/"
diffc nll -q -m run --data images-idx3-ubyte --count 4 --steps 3
# Started from a trained model; one of another noise is refused.
assert "pretrained" diffc train tiny.json -q --out ddpm >/dev/null
assert "init" diffc train tiny.json -q --out second $own --init ddpm >/dev/null
diffc train tiny.json -q --out third $own --init ddpm --set method.beta_end=0.5
#exit 2
#>   method       eddpm, 5 kept of 20 steps, merged noise, linear schedule from 0.0001 to 0.02, predicts eps
#>   kept steps N 19
#> 1
#> 4
#> scored
#2> diffc nll: run/model: has chosen 5 steps itself, which are all taken; leave --steps and --spacing out
#2> Try 'diffc nll --help'.
#2> diffc train: train.init: ddpm/model was trained with another method: method.beta_end is 0.02 there, but 0.5 here; it must be the model's own
#2> Try 'diffc train --help'.
