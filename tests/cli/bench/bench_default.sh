# Without a configuration, the network of configs/bench-tiny.json (at a smaller size, to be quick).
small='-q --seconds 0 --batch 1 --json --set data.size=16'
assert default diffc bench $small >default
assert file diffc bench "$REPOSITORY/configs/bench-tiny.json" $small >file
sed 's/,"train_images_per_s".*//' default >a
sed 's/,"train_images_per_s".*//' file >b
cmp a b
