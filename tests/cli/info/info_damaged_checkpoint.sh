# A damaged newest checkpoint is named, and the one before it says what the run is.
assert train diffc train tiny.json -q --out run --set train.keep=2 >/dev/null
newest=run/checkpoints/step-00000004.safetensors
printf X | dd of=$newest bs=1 seek=$(($(wc -c <$newest) - 100)) conv=notrunc 2>/dev/null
diffc info run 2>&1 | grep -e '^  data' -e '^warning' | sed 's/check sum .*/check sum N)/'
for checkpoint in run/checkpoints/*; do : >"$checkpoint"; done
diffc info run 2>&1 | grep -e '^  data' -e '^warning'
#> warning: skipped run/checkpoints/step-00000004.safetensors: is damaged (check sum N)
#>   data         64 grey images of 16x16 (idx)
#> warning: skipped run/checkpoints/step-00000004.safetensors: is empty, expected a safetensors file
#> warning: skipped run/checkpoints/step-00000002.safetensors: is empty, expected a safetensors file
#>   data         images-idx3-ubyte
