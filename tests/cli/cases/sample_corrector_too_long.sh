# Langevin steps that are too long for the model: the message says which and what to do.
sed 's/"method": {[^}]*}/"method": { "type": "sde", "sde": "ve", "sigma_max": 50 }/' tiny.json >ve.json
assert train diffc train ve.json -q --out run --steps 1 >/dev/null
diffc sample -q -m run --sampler pc --steps 400 --snr 10 --count 1
echo $?
