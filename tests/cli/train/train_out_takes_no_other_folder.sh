# A run lies neither in the folder of its data nor in another run.
mkdir pics
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do cp "$REPOSITORY/data/boot.png" pics/$i.png; done
quick='-q --size 8 --steps 1 --set model.channels=8 --set sample.count=1 --set sample.steps=2'
here=$(pwd -P)
try() {
    diffc train "$@" >out 2>err
    echo "$? $(cat out) $(sed "/^Try/d; s,$here/,,g" err)"
}
try pics $quick --out pics
try pics $quick --out ./pics/
try pics $quick --out pics --dry-run
ln -s pics link
try pics $quick --out link
(cd pics && diffc train . $quick --out . 2>&1 >../out)
try tiny.json -q --steps 1 --set data.path=pics --out pics
ls pics | grep -v png
try pics $quick
try pics $quick --out runs/pics/model
try pics $quick --out runs/pics/new/run
try tiny.json -q --steps 1 --out runs/pics/model/../other
try pics $quick --out runs/pics
ls runs/pics
# Beside a run, through its name, and among the pictures it may lie.
try pics $quick --out runs/pics/../beside
try pics $quick --out pics/run
#> 2  diffc train: --out pics is the folder of the data; give the run one of its own
#> 2  diffc train: --out ./pics/ is the folder of the data; give the run one of its own
#> 2  diffc train: --out pics is the folder of the data; give the run one of its own
#> 2  diffc train: --out link is the folder of the data; give the run one of its own
#> diffc train: --out . is the folder of the data; give the run one of its own
#> Try 'diffc train --help'.
#> 2  diffc train: --out pics is the folder of the data; give the run one of its own
#> 0 runs/pics 
#> 2  diffc train: --out runs/pics/model lies in the run runs/pics; give another --out
#> 2  diffc train: --out runs/pics/new/run lies in the run runs/pics; give another --out
#> 2  diffc train: --out runs/pics/model/../other lies in the run runs/pics; give another --out
#> 2  diffc train: runs/pics: already holds a run; give --resume to continue it, or another --out
#> checkpoints
#> config.json
#> lock
#> model
#> report.html
#> samples
#> stats.jsonl
#> 0 runs/pics/../beside 
#> 0 pics/run 
