# Image 9 alone and in batches of 3 and 2 is the same file, with 1 and 3 threads, for every sampler
# and every kind of process.
samplers="ddpm ddim heun dpm++2m unipc ode ancestral langevin plain-langevin reverse-sde pc"
assert "all samplers" test "$(diffc sample --help | sed -n '/^Samplers:/,/^$/p' | grep -c '^  [a-z]')" = "$(echo $samplers | wc -w)"
same() { # METHOD SAMPLER
    rm -rf many one
    assert "$1 $2 many" diffc sample -q -m run-$1 --sampler $2 --steps 12 --seed 5 --count 5 --batch 3 --out-dir many --threads 1 >/dev/null
    assert "$1 $2 one" diffc sample -q -m run-$1 --sampler $2 --steps 12 --seed 9 --count 1 --out-dir one --threads 3 >/dev/null
    assert "its own seed inside" grep -qa ', seed 9' many/000009.png
    assert "$1 $2 the same image" cmp many/000009.png one/000009.png
}
config_of() { sed "s/\"method\": .*/\"method\": $1,/" tiny.json; }
config_of '{"type": "ddpm", "steps": 20}' >ddpm.json
config_of '{"type": "smld", "levels": 12}' >smld.json
for method in ddpm smld; do
    assert train diffc train $method.json -q --out run-$method --steps 2 --set sample.langevin_steps=2 >/dev/null
    for sampler in $samplers; do
        case $sampler in ode) continue ;; esac
        same $method $sampler
    done
done
for sde in ve vp subvp; do
    config_of "{\"type\": \"sde\", \"sde\": \"$sde\"}" >$sde.json
    assert train diffc train $sde.json -q --out run-$sde --steps 2 >/dev/null
    same $sde pc
    same $sde heun
done
assert "ode many" diffc sample -q -m run-vp --sampler ode --tolerance 1e-2 --seed 5 --count 5 --batch 3 --out-dir oden --threads 1 >/dev/null
assert "ode one" diffc sample -q -m run-vp --sampler ode --tolerance 1e-2 --seed 9 --count 1 --out-dir ode1 --threads 3 >/dev/null
assert "ode the same image" cmp oden/000009.png ode1/000009.png
