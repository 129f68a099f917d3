# A folder of pictures trains with no configuration: what is chosen is said, and stands in the run.
mkdir -p 'my pictures/boots' 'my pictures/fields'
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
    cp "$REPOSITORY/tests/golden/images/quadrants.jpg" "my pictures/fields/$i.JPG"
done
for i in 1 2 3 4 5 6 7 8; do cp "$REPOSITORY/data/boot.png" "my pictures/boots/$i.png"; done
quick='--threads 1 --steps 3 --set sample.steps=2 --set sample.count=1'
assert dry diffc train 'my pictures/' --dry-run $quick >own.json 2>said
cat said | sed '/^  /d'
assert "nothing is made" test ! -e runs
# What it prints is a configuration, whose run is the same to the last bit.
assert folder diffc train 'my pictures/' -q $quick
assert configuration diffc train own.json -q --threads 1 --out own >/dev/null
cmp own.json 'runs/my pictures/config.json'
cmp own.json own/config.json
for file in model/unet/diffusion_pytorch_model.safetensors; do cmp "runs/my pictures/$file" own/$file; done
diffc info 'runs/my pictures' | sed -n '/^  data/,/^  training/p' | sed '/^  training/d'
# The next run has a name of its own; with classes, another size and other settings.
assert classes diffc train 'my pictures' --classes --size 12 --effort small $quick --set model.channels=8 >/dev/null 2>said
sed '/^  [^n]/d; /^step 1/d; s/loss [0-9.]*/loss N/' said
assert "a class can be drawn" diffc sample -q -m 'runs/my pictures-2' --label 1 --steps 2 --count 1 --out fields.png
# It goes on like any run, also by the name of the pictures, and wherever they lie now.
diffc train 'my pictures' --resume --steps 4 2>&1 | sed -n '/resuming/p; /train.steps/p'
cp -r 'my pictures' moved
diffc train moved --resume --out 'runs/my pictures' --minutes 9 --steps 4 2>&1 | sed -n '/resuming/p; / -> /p; /^runs/p'
# Inside the folder the configuration names the whole path, which means the same everywhere.
cd 'my pictures' && diffc train . --dry-run -q $quick | sed "s,$(pwd -P),HERE," | grep '"path"\|"size"\|"flip"\|"channels"'
#> pictures: 20 colour pictures (folder), shorter sides of 16 to 28 pixels, the middle one 16
#> size: each picture is resized to cover 16x16 and cropped in the middle
#> held out: 2, to measure the loss; the others are mirrored at random (--set data.flip=false where left and right matter, as in letters)
#> effort medium: 3 updates of 16 pictures
#> classes: 2 (boots, fields), not used; --classes trains a model that draws each on demand
#> note: 20 pictures are few: expect the model to repeat them; thousands make new ones
#> to change more: diffc train 'my pictures/' --dry-run >own.json, then diffc train own.json
#> runs/my pictures
#>   data         20 colour images of 16x16 (folder), 2 classes
#>                my pictures/
#>   classes      boots, fields
#> pictures: 20 colour pictures (folder), shorter sides of 16 to 28 pixels, the middle one 16
#> size: each picture is resized to cover 12x12 and cropped in the middle
#> held out: 2, to measure the loss; the others are mirrored at random (--set data.flip=false where left and right matter, as in letters)
#> effort small: 3 updates of 16 pictures
#> classes: 2 (boots, fields); each that has pictures can be drawn on demand
#> note: 20 pictures are few: expect the model to repeat them; thousands make new ones
#> to change more: diffc train 'my pictures' --dry-run >own.json, then diffc train own.json
#> run: runs/my pictures-2
#>   network      12x12x3, channels 8 8, 1 block a level, attention at 6x6, 2 classes or none
#> step 3: validation loss N (2 held-out images)
#> diffusers: the model's folder opens as DDPMPipeline, but that gives its unet no class; its unet and scheduler open alone
#> fields.png
#> resuming runs/my pictures-2 at step 3
#> train.steps: 3 -> 4
#> resuming runs/my pictures at step 3
#> data.path: "my pictures/" -> "moved"
#> train.steps: 3 -> 4
#> train.minutes: 0 -> 9
#> runs/my pictures
#>     "path": "HERE",
#>     "size": 16,
#>     "channels": 3,
#>     "flip": true,
#>     "channels": 64,
