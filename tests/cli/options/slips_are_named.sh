# Options, commands, samplers and keys: the nearest name is suggested, by one rule.
for line in 'sample --step 4' 'sample --samplr ddim' 'sample --Sampler ddim' 'sample --output a.png' 'sample -steps 4' \
    'sample -out a.png' 'sample --outdir a' 'sample --hlep' 'nll --dta x' 'train --resmue' 'sampel' 'Train' 'hepl' \
    '--versoin' 'denoice x.png' 'sample --sampler DDIM' 'sample --sampler dpm' 'train tiny.json --set sample.sampler=heum' \
    'train tiny.json --set sample.smapler=heun' 'train tiny.json --set smaple.sampler=heun'; do
    diffc $line 2>&1 | grep -o "^diffc.*'[^']*'; did you mean.*\|^diffc.*did you mean.*"
done
#> diffc sample: unknown option '--step'; did you mean '--steps'?
#> diffc sample: unknown option '--samplr'; did you mean '--sampler'?
#> diffc sample: unknown option '--Sampler'; did you mean '--sampler'?
#> diffc sample: unknown option '--output'; did you mean '--out'?
#> diffc sample: unknown option '-steps'; did you mean '--steps'?
#> diffc sample: unknown option '-out'; did you mean '--out'?
#> diffc sample: unknown option '--outdir'; did you mean '--out-dir'?
#> diffc sample: unknown option '--hlep'; did you mean '--help'?
#> diffc nll: unknown option '--dta'; did you mean '--data'?
#> diffc train: unknown option '--resmue'; did you mean '--resume'?
#> diffc: unknown command 'sampel'; did you mean 'sample'?
#> diffc: unknown command 'Train'; did you mean 'train'?
#> diffc: unknown command 'hepl'; did you mean 'help'?
#> diffc: unknown command '--versoin'; did you mean '--version'?
#> diffc: unknown command 'denoice'; did you mean 'denoise'?
#> diffc sample: --sampler is 'DDIM'; it must be ddpm, ddim, heun, dpm++2m, unipc, ode, ancestral, langevin, plain-langevin, reverse-sde or pc; did you mean 'ddim'?
#> diffc sample: --sampler is 'dpm'; it must be ddpm, ddim, heun, dpm++2m, unipc, ode, ancestral, langevin, plain-langevin, reverse-sde or pc; did you mean 'dpm++2m'?
#> diffc train: tiny.json: sample.sampler is 'heum', which is not a sampler; did you mean 'heun'?
#> diffc train: --set sample.smapler=heun: sample.smapler is not a known key; did you mean sample.sampler?
#> diffc train: --set smaple.sampler=heun: smaple.sampler is not a known key; did you mean sample.sampler?
