# 2 steps and 2 more give the same weights as 4.
assert straight diffc train tiny.json -q --out straight >/dev/null
assert half diffc train tiny.json -q --out halves --steps 2 >/dev/null
assert rest diffc train tiny.json -q --out halves --steps 4 --resume >/dev/null
cmp straight/model/unet/diffusion_pytorch_model.safetensors halves/model/unet/diffusion_pytorch_model.safetensors
