# Training from inside the folder of pictures leaves a run among them, whose pictures are none of them.
mkdir -p pets/cat pets/dog
for i in 1 2 3 4 5 6; do cp "$REPOSITORY/data/boot.png" pets/cat/$i.png && cp "$REPOSITORY/data/boot.png" pets/dog/$i.png; done
cd pets
assert first diffc train . -q --classes --size 8 --steps 2 --set model.channels=8 >/dev/null
assert "the run's pictures lie below" test -e runs/pets/samples/step-00000002.png
diffc train . --classes --size 8 --steps 2 --set model.channels=8 2>&1 | grep '^  data'
diffc train . --resume --steps 3 2>&1 | grep '^  data'
# Its configuration names the whole path, so the pictures are also found from elsewhere.
(mkdir ../away && cd ../away && diffc train --resume --out ../pets/runs/pets --steps 3 2>&1 | grep '^  data')
diffc train runs
# Nor does an empty runs/, such as a killed process leaves, make one set of train and test.
cd .. && mkdir -p parts/test parts/runs && cp -r pets parts/train && rm -r parts/train/runs && cp pets/cat/1.png parts/test
(cd parts && diffc train . --size 8 --dry-run 2>&1 | grep '^  data')
# Earlier versions took a folder again where a link led to it.
cp -r pets/cat pets/again; assert taken diffc train pets -q --out old --size 8 --steps 1 --set model.channels=8 >/dev/null
rm -r pets/again && ln -s cat pets/again && rm -r pets/runs
diffc train --resume -q --out old --steps 2
#exit 2
#>   data         12 grey images of 8x8 (folder), 2 classes, 1 run left out
#>   data         12 grey images of 8x8 (folder), 2 classes, 2 runs left out
#>   data         12 grey images of 8x8 (folder), 2 classes, 2 runs left out
#>   data         12 grey images of 8x8 (folder train), 2 classes
#2> diffc train: runs: holds no images of its own; the 2 runs of diffc train in it are left out
#2> diffc train: old: belongs to other data: the number of images is 18 in the run, but 12 in these; a run is resumed with its own data, wherever they lie; these are 12 grey images of 8x8 (folder), 2 classes, 1 folder repeated by links left out, which earlier versions took
#2> Try 'diffc train --help'.
