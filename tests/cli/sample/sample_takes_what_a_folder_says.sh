# A model folder without a run: what its scheduler file says of sampling is the default, the rest is named
# once. An option wins, and so does the run's own configuration.
assert train diffc train tiny.json -q --out run >/dev/null
cp -r run/model folder
file=folder/scheduler/scheduler_config.json
sed -i 's/DDPMScheduler/DDIMScheduler/; s/^  "beta_end"/  "timestep_spacing": "trailing", "set_alpha_to_one": false, "steps_offset": 1,\n&/' $file
shown() { diffc sample "$@" --count 1 --seed 3 --npz "$name.npz" --json 2>notes | sed 's/.*"sampler":"\([^"]*\)","steps":\([0-9]*\).*/\1 \2/'; }
name=a shown -m folder --steps 5
grep warning notes
name=b shown -m folder --steps 5 --sampler ddim --spacing trailing
name=c shown -m folder --steps 5 --spacing leading
name=d shown -m run
assert "the folder's spacing" cmp a.npz b.npz
assert "the option's spacing" test "$(cksum <a.npz)" != "$(cksum <c.npz)"
diffc info folder | grep warning
# So are the corrector's settings of a folder of VE.
sed 's/"type": "ddpm", "steps": 20, "schedule": "linear"/"type": "sde", "sde": "ve"/' tiny.json >ve.json
assert "train ve" diffc train ve.json -q --out ve --set sample.sampler=pc >/dev/null
cp -r ve/model folder-ve
sed -i 's/"snr": 0.16/"snr": 0.5/' folder-ve/scheduler/scheduler_config.json
name=e shown -m folder-ve --steps 4
name=f shown -m ve --steps 4 --snr 0.5
assert "the folder's snr" cmp e.npz f.npz
#> ddim 5
#> warning: folder/scheduler/scheduler_config.json: sample does without its steps_offset 1, set_alpha_to_one false
#> ddim 5
#> ddim 5
#> ddim 4
#>   warning      folder/scheduler/scheduler_config.json: sample does without its steps_offset 1, set_alpha_to_one false
#>   warning      alpha_bar_T is 0.817: the noisiest images of training still hold 90 % of the clean one, but sampling starts from noise alone, so samples drift to the middle
#> pc 2
#> pc 2
