# What cannot become a film is refused before the work, in one sentence.
assert train diffc train tiny.json -q --out run >/dev/null
mkdir folder && : >file
refuse() {
    diffc sample -m run "$@" 2>&1 | sed '/^Try/d'
}
refuse --moments 3
refuse --film film.jpg
refuse --film film.txt
refuse --film folder
refuse --film none/film.png
refuse --frames file
refuse --film film.png --moments 0
refuse --film film.png --count 100000
refuse --film film.png --count 10000000 --moments 9999
refuse --frames frames --count 1000000
assert images diffc sample -q -m run --out-dir images >/dev/null
refuse --out-dir images --continue --film film.png
refuse --show --json
ls
#> diffc sample: --moments is how many calls --film and --frames show; give one of them
#> diffc sample: --film is film.jpg, but it is written as PNG; give it a name that ends in .png
#> diffc sample: --film is film.txt, but it is written as PNG; give it a name that ends in .png
#> diffc sample: --film is folder, a folder; name a file, such as folder/out.png
#> diffc sample: none/film.png: cannot create: No such file or directory
#> diffc sample: file: exists and is not a folder
#> diffc sample: --moments is '0'; it must be a whole number from 1 to 9999
#> diffc sample: a picture of 1100000 images has 196x1799998 pixels, more than the limit of 67108864; write fewer images
#> diffc sample: --film: 10000000 images at 10000 moments are more pictures than the limit of 67108864 pixels; make fewer images or give a smaller --moments
#> diffc sample: a picture of 1000000 images has 17998x17998 pixels, more than the limit of 67108864; write fewer images
#> diffc sample: --film shows images from their first network call on, but --continue makes only those that are not finished; leave one of them out
#> diffc sample: --show draws on the standard output, where --json writes one object a line; give one of them
#> file
#> folder
#> images
#> images-idx3-ubyte
#> run
#> tiny.json
