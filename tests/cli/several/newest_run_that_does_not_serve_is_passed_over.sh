# Without --model, the newest run that can do what is asked is taken, and that is said in one line.
sed 's/"type": "ddpm"/"type": "cdm"/' tiny.json >cdm.json
assert cdm diffc train cdm.json -q --steps 1 >/dev/null
assert ddpm diffc train tiny.json -q --steps 1 >/dev/null
assert small diffc train tiny.json -q --steps 1 --out runs/small --set data.size=8 --set model.attention='[]' >/dev/null
assert toy diffc train "$REPOSITORY/configs/toy-ring.json" -q --steps 1 --out runs/ring >/dev/null
mkdir runs/begun && cp tiny.json runs/begun/config.json
for run in cdm tiny small ring; do
    touch -d "2020-01-0$((n = ${n:-0} + 1))" runs/$run/model/model_index.json runs/$run/stats.jsonl runs/$run/config.json
done
touch -d 2020-01-05 runs/begun/config.json
assert image diffc sample -q -m runs/tiny --count 1 --out image.png >/dev/null
told() { "$@" 2>&1 >/dev/null | grep '^model: \|^diffc'; }
told diffc nll image.png --calls 4
told diffc nll image.png --protocol exact
told diffc nll --data images-idx3-ubyte --count 1 --calls 4
told diffc nll image.png --resize --calls 4
told diffc denoise image.png
told diffc denoise image.png --sigma 25
told diffc restore image.png --sigma 9 --count 1
told diffc sample --count 1 --from image.png
told diffc sample --count 1 --csv points.csv
told diffc sample --count 1 --npz images.npz
told diffc sample --count 1
rm -r runs/begun
told diffc sample --count 1
# Where none has all that is asked for, the newest that fits the image says what would help.
rm -r runs/cdm
told diffc denoise image.png
told diffc nll image.png --protocol exact
told diffc sample --label 1
rm -r runs/tiny
told diffc nll image.png
rm -r runs/small
told diffc nll image.png
cp -r runs/ring runs/other
told diffc nll image.png
#> model: runs/tiny (the newest run that can do this; runs/begun, the newest of 3 passed over, has no model yet)
#> model: runs/cdm (the newest run that can do this; runs/begun, the newest of 4 passed over, has no model yet)
#> model: runs/tiny (the newest run that can do this; runs/begun, the newest of 3 passed over, has no model yet)
#> model: runs/small (the newest run that can do this; runs/begun, the newest of 2 passed over, has no model yet)
#> model: runs/cdm (the newest run that can do this; runs/begun, the newest of 4 passed over, has no model yet)
#> model: runs/tiny (the newest run that can do this; runs/begun, the newest of 3 passed over, has no model yet)
#> model: runs/tiny (the newest run that can do this; runs/begun, the newest of 3 passed over, has no model yet)
#> model: runs/tiny (the newest run that can do this; runs/begun, the newest of 3 passed over, has no model yet)
#> model: runs/ring (the newest run that can do this; runs/begun has no model yet)
#> model: runs/small (the newest run that can do this; runs/begun, the newest of 2 passed over, has no model yet)
#> model: runs/ring (the newest run that can do this; runs/begun has no model yet)
#> model: runs/ring (the newest run)
#> model: runs/tiny (the newest run that can do this; runs/ring, the newest of 2 passed over, makes points, not images)
#> diffc denoise: runs/tiny cannot find out how strong the noise is, as a cdm can; give --sigma in levels of grey, such as --sigma 25, or --level
#> model: runs/tiny (the newest run that can do this; runs/ring, the newest of 2 passed over, makes points, not images)
#> diffc nll: the protocol exact needs a model with a density of its own, which only a cdm has; runs/tiny has bound and ode
#> model: runs/small (the newest run that can do this; runs/ring makes points, not images)
#> diffc sample: --label is given, but the model has no classes
#> model: runs/small (the newest run that can do this; runs/ring makes points, not images)
#> diffc nll: image.png: is a grey image of 16x16, but the model's are grey images of 8x8; --resize makes them fit
#> diffc nll: runs/ring makes points, not images; it is the only run, so give --model PATH
#> diffc nll: none of the 2 runs under runs can do this: the newest, runs/other, makes points, not images; give --model PATH
