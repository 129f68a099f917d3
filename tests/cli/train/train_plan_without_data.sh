# A plan needs no data when the configuration gives size and channels; a training does, and so does
# what only the data tell.
bare='--set data.path=nowhere --set data.size=16 --set data.channels=1'
assert dry diffc train tiny.json --dry-run $bare >out
sed -n 's/^  \(data\|network\|parameters\|training\) .*/&/p' out
diffc train tiny.json --dry-run $bare --json | grep -o '"images_per_epoch":0'
sed 's/"path": "images-idx3-ubyte"/"size": 16, "channels": 3/' tiny.json >no_path.json
diffc info no_path.json | grep -E '^  (data|network) '
diffc train tiny.json $bare --out run
diffc train tiny.json --dry-run $bare --set model.class_conditional=true
diffc train tiny.json --dry-run --set data.path=nowhere --set data.size=16
test ! -e run
#>   data         not there (nowhere)
#>   network      16x16x1, channels 8 16, 1 block a level, attention at 8x8
#>   parameters   44,969
#>   training     4 updates, batch 4 in passes of 4, learning rate 0.0002, seed 0
#> "images_per_epoch":0
#>   data         not there (no data.path)
#>   network      16x16x3, channels 8 16, 1 block a level, attention at 8x8
#2> diffc train: nowhere: cannot open the data: No such file or directory
#2> diffc train: nowhere: cannot open the data: No such file or directory
#2> diffc train: nowhere: cannot open the data: No such file or directory
