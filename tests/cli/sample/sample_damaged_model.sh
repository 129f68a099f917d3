# A cut tensor file is refused with its name.
assert train diffc train tiny.json -q --out run >/dev/null
file=run/model/unet/diffusion_pytorch_model.safetensors
head -c 1000 $file >cut && mv cut $file
diffc sample -q -m run 2>message
assert "exit 1" test $? -eq 1
grep -o "^diffc sample: $file: " message
#> diffc sample: run/model/unet/diffusion_pytorch_model.safetensors: 
