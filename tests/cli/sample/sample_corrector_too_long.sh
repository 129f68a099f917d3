# Langevin steps that are too long for the model: the message says which and what to do.
sed 's/"method": {[^}]*}/"method": { "type": "sde", "sde": "ve", "sigma_max": 50 }/' tiny.json >ve.json
assert train diffc train ve.json -q --out run --steps 1 >/dev/null
diffc sample -q -m run --sampler pc --steps 400 --snr 10 --count 1
echo $?
#> 3
#2> diffc sample: sampler pc at step 5 of 200 (time 0.9799): the network's output is not finite at time step 42.1327 (image 0); the corrector's Langevin steps are too long for this model: a smaller snr makes them shorter, no corrector steps leave them out, and more training helps
