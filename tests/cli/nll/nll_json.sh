assert train diffc train tiny.json -q --out run >/dev/null
assert sample diffc sample -q -m run --count 1 --out-dir im >/dev/null
hide() { sed 's/\("[a-z_]*":\)-*[0-9][0-9.e+-]*/\1N/g'; }
diffc nll -q -m run --json im/000000.png | hide
diffc nll -q -m run --json --protocol ode --dequant 2 --probes 2 im/000000.png | hide
diffc nll -q -m run --json --protocol ode --dequant-by normal im/000000.png | hide
diffc nll -m run --dequant-by normal im/000000.png
diffc nll -q -m run --json --data images-idx3-ubyte --count 2 | hide
#> {"image":"im/000000.png","bits_per_dim":N,"standard_error":N,"nats":N,"protocol":"bound","dims":N,"network_calls":N}
#> {"image":"im/000000.png","bits_per_dim":N,"standard_error":N,"nats":N,"protocol":"ode","dequant_by":"uniform","dims":N,"network_calls":N}
#> {"image":"im/000000.png","bits_per_dim":N,"standard_error":N,"nats":N,"protocol":"ode","dequant_by":"normal","dims":N,"network_calls":N}
#> {"image":"images-idx3-ubyte#0","bits_per_dim":N,"standard_error":N,"nats":N,"protocol":"bound","dims":N,"network_calls":N}
#> {"image":"images-idx3-ubyte#1","bits_per_dim":N,"standard_error":N,"nats":N,"protocol":"bound","dims":N,"network_calls":N}
#> {"event":"summary","count":N,"bits_per_dim":N,"standard_error":N,"protocol":"bound","network_calls":N}
#2> diffc nll: --dequant-by belongs to the protocol ode; bound does not use it
#2> Try 'diffc nll --help'.
