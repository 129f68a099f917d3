# A model whose sample_size is null is described without what follows from the size.
assert train diffc train tiny.json -q --out run >/dev/null
sed -i 's/"sample_size": 16/"sample_size": null/' run/model/unet/config.json
assert null grep -q '"sample_size": null' run/model/unet/config.json
diffc info run/model
diffc info run --json | grep -o '"image":.*"forward_gflop":[a-z0-9.]*'
diffc info run --layers | grep -A 1 '^  layers'
sed -i 's/"sample_size": null/"sample_size": "big"/' run/model/unet/config.json
diffc info run
