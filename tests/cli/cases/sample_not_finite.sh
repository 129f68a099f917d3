# Weights that are not numbers give no image: exit 3, naming the step.
assert train diffc train tiny.json -q --out run >/dev/null
file=run/model/unet/diffusion_pytorch_model.safetensors
printf '\377\377\377\377' | dd of=$file bs=1 seek=$(($(wc -c <$file) - 4)) conv=notrunc 2>/dev/null
diffc sample -q -m run
echo "exit $?"
ls grid* 2>/dev/null
exit 0
