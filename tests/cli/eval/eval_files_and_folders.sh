# Images in a file or a folder are judged as those of the model that made them.
assert train diffc train tiny.json -q --out run >/dev/null
assert sample diffc sample -q -m run --count 12 --steps 2 --seed 3 --npz x.npz --out-dir folder >/dev/null
diffc eval -q -m run --data images-idx3-ubyte --count 12 --steps 2 --seed 3 >model
diffc eval -q x.npz --data images-idx3-ubyte >npz
assert "an .npz file" cmp model npz
diffc eval -q folder --data images-idx3-ubyte >folder.out
assert "a folder, in another order" test "$(sed -n '/precision/,$p' folder.out)" = "$(sed -n '/precision/,$p' model)"
diffc eval folder --data images-idx3-ubyte --count 6 2>&1 >/dev/null | grep grey
diffc eval -q x.npz --data images-idx3-ubyte --count 6 | head -n 1
# Copies of the data are nearer to them than these are to each other.
diffc eval -q x.npz --data folder | sed -n '/nearer/,$p'
diffc eval folder --data images-idx3-ubyte --count 13 2>&1 >/dev/null | grep fewer
diffc eval x.npz --data images-idx3-ubyte --count 13 2>&1 >/dev/null | grep fewer
#> folder: 6 of its 12 images: 6 grey images of 16x16 (folder)
#> images-idx3-ubyte: 64 grey images of 16x16 (IDX); 64 of them serve
#> 6 images, and 6 other images of the data, each beside the same 6 images of the data
#> copies: images nearer to one of 12 images of the data than its nearest neighbour is
#>   of 6                 6                    3
#> folder: has 12 images, fewer than --count 13
#> x.npz: has 12 images, fewer than --count 13
