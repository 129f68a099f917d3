# At the next start a run's temporary files of dead processes and half a model are gone; files of
# others, and of living processes, stay. 999999999 is no process, for the system's numbers end before.
assert train diffc train tiny.json -q --steps 4 --set train.checkpoint_every=2 --out run >/dev/null
ls -R run >before
mkdir -p run/model.diffc-new/unet
for file in config.json stats.jsonl samples/step-00000002.png checkpoints/step-00000004.safetensors \
    model.diffc-new/unet/config.json; do
    echo half >"run/$file.999999999.tmp"
done
diffc train -q --resume --out run
ls -R run | diff before - && echo "all of it is gone"

for file in config.json.tmp notes.999999999.tmp samples/mine.png.999999999.tmp stats.jsonl.$$.tmp; do
    echo mine >"run/$file"
done
ls -R run >before
diffc train -q --resume --out run
ls -R run | diff before - && echo "what is not its own stays"

echo "a picture:"
echo half >grid.png.999999999.tmp
echo mine >mine.png.999999999.tmp
diffc sample -q -m run --count 1 --steps 1 --out grid.png
ls *png*

echo "through a link:"
echo private >private
ln -sf ../private run/stats.jsonl
ln -sf ../private run/lock
diffc train -q --resume --out run 2>&1
rm run/lock
diffc train -q --resume --steps 5 --out run 2>&1
cat private
mkdir other
for file in config.json stats.jsonl; do ln -s ../private other/$file; done
rm other/config.json
assert "new run" diffc train tiny.json -q --steps 1 --out other >/dev/null
cat private
#> run
#> all of it is gone
#> run
#> what is not its own stays
#> a picture:
#> grid.png
#> grid.png
#> mine.png.999999999.tmp
#> through a link:
#> diffc train: run/lock: is a symbolic link; the lock of a run must be a file
#> diffc train: run/stats.jsonl: cannot open: Too many levels of symbolic links; when that is mended, continue with: diffc train --resume --out run
#> private
#> private
