# Weights that are not numbers: exit 3.
assert train diffc train tiny.json -q --out run >/dev/null
assert sample diffc sample -q -m run --count 1 --out-dir im >/dev/null
file=run/model/unet/diffusion_pytorch_model.safetensors
printf '\377\377\377\377' | dd of=$file bs=1 seek=$(($(wc -c <$file) - 4)) conv=notrunc 2>/dev/null
for protocol in bound ode; do
    diffc nll -q -m run --protocol $protocol im/000000.png 2>message
    echo "exit $?"
    grep -o 'network.s output is not finite' message
done
#> exit 3
#> network's output is not finite
#> exit 3
#> network's output is not finite
