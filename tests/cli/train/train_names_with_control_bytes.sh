# A name that would speak to the terminal is shown with its bytes written out.
name=$(printf 'red\033[31m')
mkdir "$name"
for i in 1 2 3 4 5 6 7 8 9 10; do cp "$REPOSITORY/data/boot.png" "$name/$i.png"; done
diffc train "$name" --size 8 --steps 1 --set model.channels=8 2>said | od -An -c | grep -o '\[ *3 *1 *m'
grep '^run: ' said
diffc sample --count 1 --steps 2 --out one.png 2>said | head -n 1
grep '^model: ' said
#> [   3   1   m
#> run: runs/red\x1b[31m
#> one.png
#> model: runs/red\x1b[31m (the newest run)
