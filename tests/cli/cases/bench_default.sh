# Without the file, the same network.
assert away diffc bench -q --seconds 0 --batch 1 --json >away
cd "$REPOSITORY" && assert home diffc bench -q --seconds 0 --batch 1 --json >"$OLDPWD/home" && cd "$OLDPWD"
sed 's/,"train_images_per_s".*//' away >a
sed 's/,"train_images_per_s".*//' home >b
cmp a b
