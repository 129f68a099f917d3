diffc sample --sampler ddmi
#exit 2
#2> diffc sample: --sampler is 'ddmi'; it must be ddpm, ddim, heun, dpm++2m, unipc, ode, ancestral, langevin, plain-langevin, reverse-sde or pc; did you mean 'ddim'?
#2> Try 'diffc sample --help'.
