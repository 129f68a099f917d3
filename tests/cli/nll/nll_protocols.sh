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
#exit 2
#2> diffc nll: the protocol exact needs a model with a density of its own, which only a cdm has; run has bound and ode
#2> Try 'diffc nll --help'.
#2> diffc nll: the protocol bound needs a chain of discrete steps; the noise of vp is continuous in time and has ode
#2> Try 'diffc nll --help'.
#2> diffc nll: --probes belongs to the protocol ode; bound does not use it
#2> Try 'diffc nll --help'.
#2> diffc nll: --calls belongs to the protocol bound; ode does not use it
#2> Try 'diffc nll --help'.
#2> diffc nll: there is nothing to score: name an image or give --data
#2> Try 'diffc nll --help'.
#2> diffc nll: an image and --data are given; one of them is enough
#2> Try 'diffc nll --help'.
#2> diffc nll: --count belongs to --data
#2> Try 'diffc nll --help'.
#2> diffc nll: --label is given, but the model has no classes
#2> Try 'diffc nll --help'.
