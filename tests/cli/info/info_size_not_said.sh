# A model whose sample_size is null is described without what follows from the size.
assert train diffc train tiny.json -q --out run >/dev/null
sed -i 's/"sample_size": 16/"sample_size": null/' run/model/unet/config.json
assert null grep -q '"sample_size": null' run/model/unet/config.json
diffc info run/model
diffc info run --json | grep -o '"image":.*"forward_gflop":[a-z0-9.]*'
diffc info run --layers | grep -A 1 '^  layers'
sed -i 's/"sample_size": null/"sample_size": "big"/' run/model/unet/config.json
diffc info run
#exit 1
#> run/model: a model
#>   method       ddpm, 20 steps, linear schedule from 0.0001 to 0.02, predicts eps
#>   network      channels 8 16, 1 block a level, attention at level 2
#>   image size   not given by the model; 1 channel
#>   parameters   44,969
#>   diffusers    opens as DDPMPipeline
#>   warning      alpha_bar_T is 0.817: the noisiest images of training still hold 90 % of the clean one, but sampling starts from noise alone, so samples drift to the middle
#> "image":[null,null,1],"channels":[8,16],"blocks":1,"attention":null,"classes":0,"params":44969,"forward_gflop":null
#>   layers       for images of 64x64
#>     input 64x64x1
#2> diffc info: run/model/unet/config.json: sample_size must be an integer, [height, width] or null, got "big" (a string)
