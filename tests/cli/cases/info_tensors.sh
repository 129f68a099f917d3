assert train diffc train tiny.json -q --out run >/dev/null
diffc info run/model/unet/diffusion_pytorch_model.safetensors | grep -E 'values|conv_in'
diffc info run/model/unet/diffusion_pytorch_model.safetensors --json | grep -c '"kind":"tensors","values":[0-9]*,"bytes":[0-9]*,"tensors":\[{"name":'
