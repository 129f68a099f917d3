# The newest run is compared with its own training images, less those held out, and as many other images beside it.
assert train diffc train tiny.json -q --out runs/a >/dev/null
diffc eval --count 20 --steps 2 --out nearest.png 2>said | sed 's/[0-9][0-9]*\.[0-9]*/N/g; s/ *[0-9][0-9]*  *[0-9][0-9]*$/ N N/; s/N  *\([N+]\)/N \1/g; s/  *N/ N/'
sed '/^making/d; s/batch .*/batch/' said
od -An -tu1 -j16 -N8 nearest.png
diffc eval -q --count 20 --steps 2 --threads 1 >one
diffc eval -q --count 20 --steps 2 --threads 2 --batch 3 >two
assert "threads and batch change nothing" cmp one two
diffc eval -q runs/a --count 20 --steps 2 >word
assert "a model may be a word" cmp one word
diffc eval -q --count 20 --steps 2 --seed 5 >other
assert "another seed, other images" test "$(cmp -s one other; echo $?)" -eq 1
diffc eval -q --count 4 --steps 2 --json | sed 's/:[0-9][0-9.e-]*/:N/g; s/"threads.*//'
# Of 56 training images half is one part.
diffc eval --steps 2 2>&1 >/dev/null | grep 'two parts'
diffc eval -q --steps 2 --data images-idx3-ubyte | head -n 1
#> 20 images, and 20 other images of the data, each beside the same 20 images of the data
#>                      images               other data
#> sliced Wasserstein distance x 1000: 512 directions, 128 patches of 7x7 an image, Laplacian pyramid without padding
#>   16x16 N +- N N +- N
#>   mean N +- N N +- N
#> pixels, 3 nearest neighbours
#>   precision N N
#>   recall N N
#>   density N N
#>   coverage N N
#> copies: images nearer to one of 56 images of the data than its nearest neighbour is
#>   of 20 N N
#> nearest.png
#> model: runs/a (the newest run)
#> images-idx3-ubyte: 64 grey images of 16x16 (IDX); 56 of them serve
#> runs/a: 20 images of 16x16, sampler ddim, 2 steps, batch
#>    0   0   0 160   0   0   0 178
#> {"event":"done","source":"runs/a","data":"images-idx3-ubyte","count":N,"data_count":N,"images":{"sliced_wasserstein":{"distance":N,"standard_error":N,"levels":[{"height":N,"width":N,"distance":N,"standard_error":N}]},"precision":N,"recall":N,"density":N,"coverage":N,"nearer":N},"other_data":{"sliced_wasserstein":{"distance":N,"standard_error":N,"levels":[{"height":N,"width":N,"distance":N,"standard_error":N}]},"precision":N,"recall":N,"density":N,"coverage":N,"nearer":N},"directions":N,"patches_per_image":N,"neighbours":N,"model":"runs/a","sampler":"ddim","steps":N,"network_calls":N,"seed":N,"seconds":N}
#> images-idx3-ubyte: 56 images are cut into two parts, so 28 are compared instead of 1000
#> 32 images, and 32 other images of the data, each beside the same 32 images of the data
