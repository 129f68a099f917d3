# A run says what it was trained on, from its newest checkpoint.
assert pictures diffc train tiny.json -q --out base >/dev/null
assert sample diffc sample -q -m base --count 4 --steps 2 --out-dir pictures >/dev/null
mkdir -p 'data/black cat' data/dog
mv pictures/000000.png pictures/000001.png 'data/black cat'
mv pictures/000002.png pictures/000003.png data/dog
assert folder diffc train tiny.json -q --out folder --set data.path=data --set data.validation=1 --steps 1 >/dev/null
assert toy diffc train tiny.json -q --out toy --set data.path= --set data.toy=ring --set 'model.attention=[]' --steps 1 >/dev/null
for run in base folder toy; do
    diffc info $run | sed -n '/^  data/,/^  training/p' | grep -v '^  training'
    diffc info $run --json | grep -o '"data":{[^}]*}'
done
diffc info base/model --json | grep -c '"data"'
rm -r base/checkpoints
diffc info base | grep '^  data'
mv data moved
mv moved/dog moved/fox
diffc train -q --resume --out folder --set data.path=moved
#exit 2
#>   data         64 grey images of 16x16 (idx)
#>                images-idx3-ubyte
#> "data":{"kind":"idx","toy":"none","path":"images-idx3-ubyte","count":64,"shape":[16,16,1],"classes":0}
#>   data         4 grey images of 16x16 (folder), 2 classes
#>                data
#>   classes      black cat, dog
#> "data":{"kind":"folder","toy":"none","path":"data","count":4,"shape":[16,16,1],"classes":2,"class_names":["black cat","dog"]}
#>   data         points of ring, without end
#> "data":{"kind":"auto","toy":"ring","path":"","count":0,"shape":[1,1,2],"classes":0}
#> 0
#>   data         images-idx3-ubyte
#2> diffc train: folder: belongs to other data: class 1 is "dog" in the run, but "fox" in these; a run is resumed with its own data, wherever they lie
#2> Try 'diffc train --help'.
