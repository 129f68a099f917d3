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
