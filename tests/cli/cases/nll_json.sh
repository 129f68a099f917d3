assert train diffc train tiny.json -q --out run >/dev/null
assert sample diffc sample -q -m run --count 1 --out-dir im >/dev/null
hide() { sed 's/\("[a-z_]*":\)-*[0-9][0-9.e+-]*/\1N/g'; }
diffc nll -q -m run --json im/000000.png | hide
diffc nll -q -m run --json --protocol ode --dequant 2 --probes 2 im/000000.png | hide
diffc nll -q -m run --json --data images-idx3-ubyte --count 2 | hide
