# A run takes no folder of its data, and no name that another run keeps.
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
try tiny.json -q --steps 1 --out runs/pics/model/../samples/other
try tiny.json -q --steps 1 --out runs/pics/checkpoints/
try pics $quick --out runs/pics
ls runs/pics
# Beside a run, through its name, and among the pictures it may lie.
try pics $quick --out runs/pics/../beside
try pics $quick --out pics/run
try pics $quick --out pics/run
mkdir pics/empty
try pics $quick --out pics/empty
try pics $quick --out runs/pics/new/run
# A part of the data would be missing ever after.
mkdir -p classes/cat classes/dog
cp pics/1.png classes/cat
cp pics/1.png classes/dog
try classes $quick --out classes/cat
try tiny.json -q --steps 1 --set data.path=classes --out classes/dog/../cat/
# Data that are a file are no folder of them.
try images-idx3-ubyte $quick --out images-idx3-ubyte
#> 2  diffc train: --out pics is a folder of the data; give the run one of its own
#> 2  diffc train: --out ./pics/ is a folder of the data; give the run one of its own
#> 2  diffc train: --out pics is a folder of the data; give the run one of its own
#> 2  diffc train: --out link is a folder of the data; give the run one of its own
#> diffc train: --out . is a folder of the data; give the run one of its own
#> Try 'diffc train --help'.
#> 2  diffc train: --out pics is a folder of the data; give the run one of its own
#> 0 runs/pics 
#> 2  diffc train: --out runs/pics/model lies in the run runs/pics; give another --out
#> 2  diffc train: --out runs/pics/model/../samples/other lies in the run runs/pics; give another --out
#> 2  diffc train: --out runs/pics/checkpoints/ lies in the run runs/pics; give another --out
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
#> 2  diffc train: pics/run: already holds a run; give --resume to continue it, or another --out
#> 0 pics/empty 
#> 0 runs/pics/new/run 
#> 2  diffc train: --out classes/cat is a folder of the data; give the run one of its own
#> 2  diffc train: --out classes/dog/../cat/ is a folder of the data; give the run one of its own
#> 1  diffc train: images-idx3-ubyte: exists and is not a folder
