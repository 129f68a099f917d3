# Options, commands, samplers and keys: the nearest name is suggested, by one rule.
for line in 'sample --step 4' 'sample --samplr ddim' 'sample --Sampler ddim' 'sample --output a.png' 'sample -steps 4' \
    'sample -out a.png' 'sample --outdir a' 'sample --hlep' 'nll --dta x' 'train --resmue' 'sampel' 'Train' 'hepl' \
    '--versoin' 'denoice x.png' 'sample --sampler DDIM' 'sample --sampler dpm' 'train tiny.json --set sample.sampler=heum' \
    'train tiny.json --set sample.smapler=heun' 'train tiny.json --set smaple.sampler=heun'; do
    diffc $line 2>&1 | grep -o "^diffc.*'[^']*'; did you mean.*\|^diffc.*did you mean.*"
done
