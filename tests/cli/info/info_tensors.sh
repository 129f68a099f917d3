assert train diffc train tiny.json -q --out run >/dev/null
diffc info run/model/unet/diffusion_pytorch_model.safetensors | grep -E 'values|conv_in'
diffc info run/model/unet/diffusion_pytorch_model.safetensors --json | grep -c '"kind":"tensors","values":[0-9]*,"bytes":[0-9]*,"tensors":\[{"name":'
#> run/model/unet/diffusion_pytorch_model.safetensors: 144 tensors, 44,969 values, 176 KiB
#>   F32   [8] conv_in.bias
#>   F32   [8, 1, 3, 3] conv_in.weight
#> 1
