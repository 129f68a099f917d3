# What a configuration allows at its limits, the model folder of the run says, and it opens.
check() { # METHOD SETTINGS
    sed "s/\"method\": {[^}]*}/\"method\": { $1 }/" tiny.json >limit.json
    shift
    rm -rf run
    diffc train limit.json -q --out run --steps 1 --set train.lr=1e-12 --set train.validate=0 --set sample.count=1 "$@" >/dev/null &&
        diffc info run >/dev/null && diffc info run/model >/dev/null && echo "$*"
}
ddpm='"type": "ddpm", "steps": 20, "schedule": "linear"'
check "$ddpm" --set model.dropout=0.9995
check '"type": "sde", "sde": "ve", "sigma_max": 1000000' --set sample.snr=10
check '"type": "sde", "sde": "ve", "sigma_max": 50' --set method.time_min=0.1
check '"type": "sde", "sde": "vp", "beta_max": 1000' --set method.beta_min=1000
check "$ddpm" --set model.channels=16 --set model.freq_shift=7
diffc train tiny.json --dry-run --set model.freq_shift=8193
diffc train tiny.json --dry-run --set model.dropout=1
#exit 2
#> --set model.dropout=0.9995
#> --set sample.snr=10
#> --set method.time_min=0.1
#> --set method.beta_min=1000
#> --set model.channels=16 --set model.freq_shift=7
#2> diffc train: --set model.freq_shift=8193: model.freq_shift must be a number in 0..8192, got 8193
#2> Try 'diffc train --help'.
#2> diffc train: --set model.dropout=1: model.dropout must be a number of at least 0 and below 1, got 1
#2> Try 'diffc train --help'.
