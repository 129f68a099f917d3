# One object at the end; narration says how well what is known was met.
boot=$REPOSITORY/data/boot.png
assert train diffc train tiny.json -q --out run --set data.size=28 --set 'model.attention=[]' >/dev/null
cp "$boot" "$REPOSITORY/data/boot-mask.png" .
diffc restore -q -m run boot.png --mask boot-mask.png --json --count 3 --batch 2 --threads 2 --out out.png |
    sed 's/"seconds":[0-9.e-]*,/"seconds":S,/; s/"known_missed":[0-9.e-]*/"known_missed":X/'
diffc restore -m run boot.png --scale 7 --sigma 2.5 --by replace --count 1 --out out.png 2>&1 |
    grep -v 'network call 1 of' | sed 's/in [^,]* s,.*/in S/; s/met to [0-9.e-]*/met to X/; s/batch.*/batch/'
grep -ao 'restored boot.png, mask boot-mask.png, by gradient' out.png
diffc restore -q -m run boot.png --mask boot-mask.png --count 1 --out out.png
grep -ao 'restored boot.png, mask boot-mask.png, by gradient' out.png
#> {"event":"done","images":3,"network_calls":4,"seconds":S,"out":"out.png","model":"run","sampler":"ddim","steps":4,"seed":0,"batch":2,"threads":2,"restored":"boot.png","mask":"boot-mask.png","by":"gradient","known_missed":X}
#> run: 1 image of 28x28, sampler ddim, 4 steps, batch
#> replaced out.png
#> out.png
#> 1 image in S
#> what is known was met to X levels of grey (root mean square)
#> out.png
#> restored boot.png, mask boot-mask.png, by gradient
