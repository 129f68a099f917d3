# Decoded images of a folder are kept where --cache says; the next run starts from them, to the same bits.
assert train diffc train tiny.json -q --out run >/dev/null
assert pictures diffc sample -q -m run --count 12 --out-dir pictures
own='--threads 1 --set data.path=pictures'
assert memory diffc train tiny.json -q $own --out memory >/dev/null
assert "few pictures make no file" test ! -e *.cache
assert cold diffc train tiny.json $own --cache kept --out cold 2>said >/dev/null
sed -n '/decoded/s/-[0-9a-f]*[.]/-N./p; /note/p' said
assert warm diffc train tiny.json $own --cache kept --out warm 2>said >/dev/null
sed -n '/decoded/s/-[0-9a-f]*[.]/-N./p; /note/p' said
for run in cold warm; do cmp memory/model/unet/*.safetensors $run/model/unet/*.safetensors; done
ls kept | wc -l
# A folder that has changed, and what is no such file any more.
touch -d 2001-01-01 pictures/*3.png
diffc train tiny.json $own --cache kept --out changed 2>&1 >/dev/null | sed -n '/cache/s/-[0-9a-f]*[.]/-N./p'
for file in kept/*; do echo else >"$file"; done
diffc train tiny.json $own --cache kept --out else 2>&1 >/dev/null | sed -n '/cache/s/-[0-9a-f]*[.]/-N./p'
# A disk that is full: in the middle, and at once.
rm kept/*
(ulimit -f 1 && diffc train tiny.json $own --cache kept --dry-run) >/dev/null 2>&1
echo "a plan: exit $?, $(ls kept | wc -l) files"
(
    ulimit -f 3
    diffc train tiny.json -q $own --steps 1 --cache kept --out full 2>&1
) | sed -n '/cache/s/-[0-9a-f]*[.]/-N./p'
ls kept
# Two at once.
diffc train tiny.json -q $own --cache kept --out one >/dev/null &
diffc train tiny.json -q $own --cache kept --out two >/dev/null
wait $!
echo "exit $?"
for run in one two; do cmp memory/model/unet/*.safetensors $run/model/unet/*.safetensors; done
ls kept | wc -l
# What cannot be a folder.
diffc train tiny.json -q $own --cache tiny.json --out file
diffc train tiny.json -q $own --cache '' --out none
#exit 2
#> pictures
#>                decoded in kept/pictures-N.cache
#>                decoded in kept/pictures-N.cache
#> 1
#> note: kept/pictures-N.cache: the pictures have changed since it was made; it is made anew
#>                decoded in kept/pictures-N.cache
#> note: kept/pictures-N.cache: is damaged; it is made anew
#>                decoded in kept/pictures-N.cache
#> a plan: exit 0, 0 files
#> diffc train: kept/pictures-N.cache: cannot write: File too large; the decoded images are held in memory instead, and the next run decodes them again
#> exit 0
#> 1
#> file
#2> diffc train: tiny.json: exists and is not a folder; the decoded images are held in memory instead, and the next run decodes them again
#2> diffc train: --cache must not be empty
#2> Try 'diffc train --help'.
