# At the end of training and by info: whether the model's folder opens in diffusers, and what is missing.
sed 's/"type": "ddpm", "steps": 20, "schedule": "linear"/"type": "sde"/' tiny.json >sde.json
set -- --set train.steps=1 --set sample.sampler=auto --set method.sde
for sde in vp subvp; do
    assert train diffc train sde.json --out $sde "$@=$sde" >/dev/null 2>$sde.notes
    echo "$sde: $(grep -c 'diffusers:' $sde.notes) note"
    grep 'diffusers:' $sde.notes
    diffc info $sde | grep diffusers
done
assert fourier diffc train sde.json -q --out fourier "$@=vp" --set model.time=fourier >/dev/null
diffc info fourier --json | sed 's/.*\("diffusers":{[^}]*}\).*/\1/'
# Both kinds of folder of VP are sampled as what they are.
for run in vp fourier; do
    cp -r $run/model $run-folder
    diffc sample -q -m $run-folder --steps 4 --count 2 --npz $run-folder.npz --json | sed 's/.*"sampler":"\([^"]*\)","steps":\([0-9]*\).*/\1 \2/'
    diffc sample -q -m $run --steps 4 --count 2 --npz $run.npz >/dev/null
    assert "same images" cmp $run.npz $run-folder.npz
done
#> vp: 0 note
#>   diffusers    opens as DDPMPipeline
#> subvp: 1 note
#> diffusers: the model's folder does not open: it has no scheduler for sub-VP
#>   diffusers    does not open: it has no scheduler for sub-VP
#> "diffusers":{"pipeline":null,"but":"its UNet2DModel has no Fourier features of the time itself, only of its logarithm"}
#> reverse-sde 4
#> reverse-sde 4
