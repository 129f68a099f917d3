# Weights that are not numbers give no image: exit 3, naming the step.
assert train diffc train tiny.json -q --out run >/dev/null
file=run/model/unet/diffusion_pytorch_model.safetensors
printf '\377\377\377\377' | dd of=$file bs=1 seek=$(($(wc -c <$file) - 4)) conv=notrunc 2>/dev/null
diffc sample -q -m run
echo "exit $?"
ls grid* 2>/dev/null
exit 0
#> exit 3
#2> diffc sample: sampler ddim at step 1 of 4 (timestep 19): the network's output is not finite at time step 19 (image 0)
