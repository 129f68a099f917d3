# Without configs/bench-tiny.json, the same network (at a smaller size, to be quick).
small='-q --seconds 0 --batch 1 --json --set data.size=16'
assert away diffc bench $small >away
cd "$REPOSITORY" && assert home diffc bench $small >"$OLDPWD/home" && cd "$OLDPWD"
sed 's/,"train_images_per_s".*//' away >a
sed 's/,"train_images_per_s".*//' home >b
cmp a b
