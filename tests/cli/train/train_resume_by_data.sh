# --resume without --out goes on with the newest run on DATA; numbers may be missing, runs on other data are passed over.
mkdir -p a/pics b/pics c/pics pics-2
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    for folder in a/pics b/pics c/pics pics-2; do cp "$REPOSITORY/data/boot.png" $folder/$i.png; done
done
quick='-q --size 8 --steps 1 --set model.channels=8 --set sample.count=1 --set sample.steps=2'
age() { touch -d "$1" runs/$2/model/model_index.json runs/$2/stats.jsonl runs/$2/config.json; }
train() { diffc train "$@" 2>&1 | sed 's/^diffc train: //'; }
for folder in a b b; do train $folder/pics $quick; done
train a/pics -q --resume --steps 2
train "$PWD/b/../a/pics/" -q --resume --steps 3
age '2 hours ago' pics-2
age '1 hour ago' pics-3
train b/pics -q --resume --steps 2
train c/pics -q --resume --steps 2
train pics-2 -q --resume --steps 2
rm -r runs/pics
train b/pics -q --resume --steps 3
train a/pics -q --resume --steps 3
train a/pics $quick
age '2 hours ago' pics
train a/pics -q --resume --steps 2
echo '{' >runs/pics-3/config.json
train a/pics --resume --steps 3 | grep -e 'passed over' -e '^run:'
rm -r runs/pics runs/pics-2
train b/pics -q --resume --steps 4
# A configuration goes on with the newest run of its name.
for i in 1 2 3; do train tiny.json -q --steps 1; done
rm -r runs/tiny
age '1 hour ago' tiny-3
mkdir runs/tiny-4 runs/tiny-x
train tiny.json -q --resume --steps 2
#> runs/pics
#> runs/pics-2
#> runs/pics-3
#> runs/pics
#> runs/pics
#> runs/pics-3
#> c/pics: the newest run of this name, runs/pics-3, trains on b/pics; if the images are the same, --out runs/pics-3 --resume continues it
#> Try 'diffc train --help'.
#> pics-2: the newest run of this name, runs/pics-2, trains on b/pics; if the images are the same, --out runs/pics-2 --resume continues it
#> Try 'diffc train --help'.
#> runs/pics-3
#> a/pics: the newest run of this name, runs/pics-3, trains on b/pics; if the images are the same, --out runs/pics-3 --resume continues it
#> Try 'diffc train --help'.
#> runs/pics
#> runs/pics
#> note: a newer run is passed over: runs/pics-3 cannot be read (runs/pics-3/config.json: line 2, column 1: expected a key in quotes or }, found the end of the text)
#> run: runs/pics
#> b/pics: the newest run of this name, runs/pics-3, cannot be read (runs/pics-3/config.json: line 2, column 1: expected a key in quotes or }, found the end of the text); if the images are the same, --out runs/pics-3 --resume continues it
#> Try 'diffc train --help'.
#> runs/tiny
#> runs/tiny-2
#> runs/tiny-3
#> runs/tiny-2
