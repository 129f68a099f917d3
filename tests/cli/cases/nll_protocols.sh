# What a model or a protocol does not have is refused in words.
assert train diffc train tiny.json -q --out run >/dev/null
sed 's/"method".*/"method": { "type": "sde", "sde": "vp" },/; /"sampler"/d; s/"validate": 4 },/"validate": 4 }/' tiny.json >vp.json
assert vp diffc train vp.json -q --out vp >/dev/null
assert sample diffc sample -q -m run --count 1 --out-dir im >/dev/null
diffc nll -q -m run --protocol exact im/000000.png
diffc nll -q -m vp --protocol bound im/000000.png
diffc nll -q -m run --probes 2 im/000000.png
diffc nll -q -m vp --calls 9 im/000000.png
diffc nll -q -m run
diffc nll -q -m run im/000000.png --data images-idx3-ubyte
diffc nll -q -m run im/000000.png --count 3
diffc nll -q -m run --label 1 im/000000.png
