# A classifier of noise levels and a model that chose its steps, side by side: both are trained, told
# about, drawn from and scored, whole and by some of their steps where they have more than they take.
numbers() { sed 's/-*[0-9][0-9.e-]*/N/g'; }
assert cdm diffc train tiny.json -q --out cdm --set method.type=cdm --set method.times=even >/dev/null
assert eddpm diffc train tiny.json -q --out eddpm --set method.type=eddpm --set method.keep=5 \
    --set train.steps=20 --set sample.steps=0 >/dev/null
for model in cdm eddpm; do
    diffc info $model | grep '  method '
    diffc info $model --json | grep -o '"method":"[a-z]*","steps":20,"schedule":"linear"'
    assert "sample $model" diffc sample -q -m $model --count 2 --out-dir $model-images >/dev/null
    assert "written by $model" test -s $model-images/000001.png
    diffc nll -q -m $model --protocol bound $model-images/000000.png | numbers
    diffc nll -q -m $model --protocol ode --tolerance 1e-2 --dequant 1 $model-images/000000.png | numbers
    diffc nll -q -m $model $model-images/000000.png | numbers
    diffc nll -q -m $model --protocol exact $model-images/000000.png 2>&1 | numbers
done
# All steps of a chain, named, are the chain; fewer have a bound of their own.
bits() { diffc nll -q -m cdm --data images-idx3-ubyte --count 2 --protocol bound --json "$@" | tail -n 1 | sed 's/.*"bits_per_dim":\([0-9.]*\).*/\1/'; }
assert "all steps" test "$(bits --steps 20)" = "$(bits)"
best=$(bits --steps 5 --spacing dp --fit-count 4)
even=$(bits --steps 5)
assert "the best are better" test "$(printf '%s\n' "$best" "$even" | sort -g | head -n 1)" = "$best"
assert "best steps" diffc sample -q -m cdm --steps 4 --spacing dp --count 1 --out best.png >/dev/null
# A run starts from weights of its own kind only.
assert "init" diffc train tiny.json -q --out second --set method.type=cdm --init cdm >/dev/null
diffc train tiny.json -q --out third --set method.type=cdm --init eddpm
diffc train tiny.json -q --out fourth --set method.type=eddpm --set method.keep=5 --set sample.steps=0 --init cdm
# Keys of the one are not the other's.
diffc train tiny.json -q --out fifth --set method.type=eddpm --set method.times=even
diffc train tiny.json -q --out sixth --set method.type=eddpm --set method.schedule=unif --set method.keep=5
diffc train tiny.json -q --out seventh --set method.type=cdm --set method.keep=5
diffc train tiny.json -q --out eighth --set method.type=cdm --set method.learn_variance=true
#exit 2
#>   method       cdm, 20 steps, linear schedule from 0.0001 to 0.02, classifies noise levels
#> "method":"cdm","steps":20,"schedule":"linear"
#> cdm-images/Npng: N bits/dim +- N (bound, N nats, N dims, N network calls)
#> cdm-images/Npng: N bits/dim (ode, N nats, N dims, N network calls)
#> cdm-images/Npng: N bits/dim (exact, level N, a learnt density ratio, not a bound, N nats, N dims, N network call)
#> cdm-images/Npng: N bits/dim (exact, level N, a learnt density ratio, not a bound, N nats, N dims, N network call)
#>   method       eddpm, 5 kept of 20 steps, merged noise, linear schedule from 0.0001 to 0.02, predicts eps
#> "method":"eddpm","steps":20,"schedule":"linear"
#> eddpm-images/Npng: N bits/dim +- N (bound, N nats, N dims, N network calls)
#> eddpm-images/Npng: N bits/dim (ode, N nats, N dims, N network calls)
#> eddpm-images/Npng: N bits/dim +- N (bound, N nats, N dims, N network calls)
#> diffc nll: the protocol exact needs a model with a density of its own, which only a cdm has; eddpm has bound and ode
#> Try 'diffc nll --help'.
#2> diffc train: train.init: eddpm/model is another network: method.type is "eddpm" there, but "cdm" here; the network must be the model's own
#2> Try 'diffc train --help'.
#2> diffc train: train.init: cdm/model is another network: method.type is "cdm" there, but "eddpm" here; the network must be the model's own
#2> Try 'diffc train --help'.
#2> diffc train: method.times is given, but the method is eddpm, and the key belongs to ddpm, cdm, smld, sde; leave it out, or choose the method that was meant
#2> Try 'diffc train --help'.
#2> diffc train: method.schedule is "unif", which is for the method cdm; ddpm and eddpm have linear, scaled_linear, cosine, betas and logsnr
#2> Try 'diffc train --help'.
#2> diffc train: method.keep is given, but the method is cdm, and the key belongs to eddpm; leave it out, or choose the method that was meant
#2> Try 'diffc train --help'.
#2> diffc train: method.learn_variance is given, but the method is cdm, and the key belongs to ddpm; leave it out, or choose the method that was meant
#2> Try 'diffc train --help'.
