# Sampling starts from noise alone; a run whose noisiest images are not is told so, with what to change.
sed 's/"steps": 20, //' tiny.json >other.json # for methods without such steps
plan() { diffc train tiny.json --dry-run "$@" | grep '^  warning'; }
plan_sde() { diffc train other.json --dry-run "$@" | grep '^  warning'; }
plan --set method.steps=50
assert "the advice works" test -z "$(plan --set method.steps=50 --set method.beta_end=0.354)"
plan --set method.schedule=logsnr --set method.logsnr_end=-2
assert "the advice works" test -z "$(plan --set method.schedule=logsnr --set method.logsnr_end=-10.2)"
for sde in vp subvp; do
    plan_sde --set method.type=sde --set method.sde=$sde --set method.beta_max=5
    assert "the advice works" test -z "$(plan_sde --set method.type=sde --set method.sde=$sde --set method.beta_max=20.2)"
done
plan_sde --set method.type=sde --set method.sde=ve --set method.sigma_max=0.05
plan_sde --set method.type=smld --set method.sigma_max=0.05
assert "estimated" test -z "$(plan_sde --set method.type=smld)"
eddpm='--set method.type=eddpm --set method.steps=1000 --set sample.steps=5 --set method.keep=50'
plan $eddpm --set method.alphas=literal
assert "merged steps" test -z "$(plan $eddpm)"
plan --set method.type=cdm --set method.schedule=unif --set method.steps=50 --set model.attention='[]'
diffc train tiny.json --steps 1 --out run 2>&1 | grep '^  warning'
diffc train tiny.json --dry-run --json | grep -o '"warnings":.*"config"' | cut -c 1-40
diffc info run | grep '^  warning'
# Of the configurations that are shipped only the paper's EDDPM is such.
for config in "$REPOSITORY"/configs/fashion-*.json "$REPOSITORY"/configs/cifar10-*.json "$REPOSITORY"/configs/photos.json; do
    diffc info "$config" 2>/dev/null | grep -q '^  warning' && basename "$config"
done
exit 0
#>   warning      alpha_bar_T is 0.603: the noisiest images of training still hold 78 % of the clean one, but sampling starts from noise alone, so samples drift to the middle; method.beta_end=0.354 brings it to 4e-05
#>   warning      alpha_bar_T is 0.119: the noisiest images of training still hold 35 % of the clean one, but sampling starts from noise alone, so samples drift to the middle; method.logsnr_end=-10.2 brings it to 4e-05
#>   warning      alpha_bar_T is 0.0781: the noisiest images of training still hold 28 % of the clean one, but sampling starts from noise alone, so samples drift to the middle; method.beta_max=20.2 brings it to 4e-05
#>   warning      alpha_bar_T is 0.0781: the noisiest images of training still hold 28 % of the clean one, but sampling starts from noise alone, so samples drift to the middle; method.beta_max=20.2 brings it to 4e-05
#>   warning      method.sigma_max is 0.05, but two training images are 2.244 apart: sampling starts from noise alone, but the noisiest of training still show an image; leave method.sigma_max out (it is then computed) or set it to about 2.2
#>   warning      method.sigma_max is 0.05, but two training images are 2.244 apart: sampling starts from noise alone, but the noisiest of training still show an image; leave method.sigma_max out (it is then computed) or set it to about 2.2
#>   warning      alpha_bar_T is 0.597 with steps kept evenly: the noisiest images of training still hold 77 % of the clean one, but sampling starts from noise alone, so samples drift to the middle; method.alphas=merged ends where all 1000 steps end
#>   warning      alpha_bar_T is 0.0388: the noisiest images of training still hold 20 % of the clean one, but sampling starts from noise alone, so samples drift to the middle; method.steps=199 brings it to 0.01
#>   warning      alpha_bar_T is 0.817: the noisiest images of training still hold 90 % of the clean one, but sampling starts from noise alone, so samples drift to the middle; method.beta_end=0.715 brings it to 4e-05
#> "warnings":["alpha_bar_T is 0.817: the n
#>   warning      alpha_bar_T is 0.817: the noisiest images of training still hold 90 % of the clean one, but sampling starts from noise alone, so samples drift to the middle
#> fashion-eddpm-paper.json
