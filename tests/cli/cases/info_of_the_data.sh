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
