# Each operator and both ways, with every method; the same seed gives the same file, whatever the threads and the batch.
boot=$REPOSITORY/data/boot.png mask=$REPOSITORY/data/boot-mask.png
size='--set data.size=28 --set model.attention=[]'
assert train diffc train tiny.json -q --out run $size >/dev/null
diffc restore -q -m run "$boot" --mask "$mask"
diffc restore -q -m run "$boot" --mask "$mask"
cmp boot-restored-1.png boot-restored-2.png
for by in gradient replace; do
    assert "$by" diffc restore -q -m run "$boot" --mask "$mask" --by $by --seed 3 --count 3 --out-dir $by >/dev/null
    assert "$by alone" diffc restore -q -m run "$boot" --mask "$mask" --by $by --seed 5 --count 1 --threads 1 --out-dir alone >/dev/null
    assert "$by of seed 5" cmp $by/000005.png alone/000005.png
    assert "$by of another seed" test "$(cksum <$by/000003.png)" != "$(cksum <$by/000004.png)"
    rm -r alone
done
assert "the ways differ" test "$(tail -c 400 gradient/000003.png | cksum)" != "$(tail -c 400 replace/000003.png | cksum)"
diffc restore -q -m run "$boot" --scale 4 --count 2 --out scale.png
diffc restore -q -m run "$boot" --sigma 25 --count 1 --out sigma.png
diffc restore -q -m run "$boot" --mask "$mask" --sigma 5 --count 1 --out noisy.png
# Width of the picture: known and whole image, two restored; known and one; both and one.
for picture in scale sigma noisy; do head -c 20 $picture.png | tail -c 4 | od -An -tu1 | tr -s ' '; done
# What is known can be the image itself: a small one, or a grey one for a model of colours.
assert half diffc train tiny.json -q --out half --set data.size=14 --set 'model.multipliers=[1]' --set 'model.attention=[]' >/dev/null
assert small diffc sample -q -m half --count 1 --out-dir small >/dev/null
diffc restore -q -m run small/000000.png --scale 2 --count 1 --out enlarged.png
assert colour diffc train tiny.json -q --out colour $size --set data.channels=3 >/dev/null
diffc restore -q -m colour "$boot" --grey --count 1 --out coloured.png
assert alpha diffc train tiny.json -q --out alpha $size --set data.channels=4 >/dev/null
assert picture diffc sample -q -m alpha --count 1 --out-dir rgba >/dev/null
diffc restore -q -m alpha rgba/000000.png --grey --count 1 --out alpha.png
for kind in eddpm smld sde cdm; do
    more=
    [ $kind != eddpm ] || more='--set method.keep=6'
    grep -v '"steps": 20' tiny.json | sed "s/\"data\"/\"method\": { \"type\": \"$kind\" }, \"data\"/; s/\"sampler\": \"ddim\", //" >$kind.json
    assert "train $kind" diffc train $kind.json -q --out $kind $size --set method.type=$kind $more >/dev/null
    for by in gradient replace; do
        diffc restore -q -m $kind "$boot" --mask "$mask" --by $by --steps 6 --count 1 --out $kind-$by.png
    done
done
#> boot-restored-1.png
#> boot-restored-2.png
#> scale.png
#> sigma.png
#> noisy.png
#>  0 0 0 118
#>  0 0 0 58
#>  0 0 0 88
#> enlarged.png
#> coloured.png
#> alpha.png
#> eddpm-gradient.png
#> eddpm-replace.png
#> smld-gradient.png
#> smld-replace.png
#> sde-gradient.png
#> sde-replace.png
#> cdm-gradient.png
#> cdm-replace.png
