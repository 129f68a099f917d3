# A model that has learnt its variance: trained, told about, sampled by every sampler, scored, resumed.
assert train diffc train tiny.json -q --out run --set method.learn_variance=true --set method.schedule=logsnr \
    --set 'model.input_fourier=[5,6]' --set method.times=even >/dev/null
diffc info run | head -n 3
diffc info run --json | grep -o '"variance":"[a-z]*"'
for sampler in ddpm ddim heun dpm++2m unipc langevin reverse-sde pc; do
    assert "$sampler" diffc sample -q -m run --sampler $sampler --steps 6 --count 2 --out $sampler.png >/dev/null
done
assert ode diffc sample -q -m run --sampler ode --tolerance 0.05 --count 1 --out ode.png >/dev/null
assert one diffc sample -q -m run --sampler ddpm --steps 6 --seed 1 --count 1 --out-dir one >/dev/null
assert two diffc sample -q -m run --sampler ddpm --steps 6 --seed 0 --count 2 --threads 1 --out-dir two >/dev/null
assert "image 1 of a grid alone" cmp one/000001.png two/000001.png
assert small diffc sample -q -m run --sampler ddpm --steps 6 --seed 1 --count 1 --variance small --out-dir small >/dev/null
assert "another variance, another image" sh -c '! cmp -s one/000001.png small/000001.png'
assert score diffc nll -m run --data images-idx3-ubyte --count 3 >bound 2>said
grep -o 'variance learned' said
assert "a folder scores as its run" test "$(diffc nll -q -m run/model --data images-idx3-ubyte --count 3)" = "$(cat bound)"
assert "small is another bound" test "$(diffc nll -q -m run --variance small --data images-idx3-ubyte --count 3)" != "$(cat bound)"
assert ode diffc nll -q -m run --protocol ode --tolerance 0.01 --data images-idx3-ubyte --count 1 >/dev/null
assert resume diffc train tiny.json -q --out run --resume --set method.learn_variance=true --set method.schedule=logsnr \
    --set 'model.input_fourier=[5,6]' --set method.times=even --set train.steps=6 >/dev/null
assert plain diffc train tiny.json -q --out plain >/dev/null
diffc sample -q -m plain --sampler ddpm --variance learned --count 1
diffc nll -q -m plain --variance learned --data images-idx3-ubyte --count 1
diffc train tiny.json -q --out toy --set data.path= --set data.toy=ring --set method.learn_variance=true
#exit 2
#> run: a run
#>   method       ddpm, 20 steps, betas schedule, predicts eps and variance
#>   network      16x16x1, channels 8 16, 1 block a level, attention at 8x8, input frequencies 2^n, n 5 6
#> "variance":"learned"
#> variance learned
#2> diffc sample: sampler ddpm: the variance is to be the learned one, but this model has learnt none; small and large are fixed ones
#2> Try 'diffc sample --help'.
#2> diffc nll: the variance of the steps is to be the learned one, but this model has learnt none; small and large are fixed ones
#2> Try 'diffc nll --help'.
#2> diffc train: method.learn_variance is true, but the points of a data.toy have no levels of grey, which its loss is about; leave it out
#2> Try 'diffc train --help'.
