# One thread and three give the same weights.
assert one diffc train tiny.json -q --out one --threads 1 >/dev/null
assert three diffc train tiny.json -q --out three --threads 3 >/dev/null
cmp one/model/unet/diffusion_pytorch_model.safetensors three/model/unet/diffusion_pytorch_model.safetensors
