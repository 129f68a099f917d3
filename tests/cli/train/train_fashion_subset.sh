# The real data set, cut to 200 images.
needs fashion-mnist
assert train diffc train "$REPOSITORY/configs/fashion-ddpm.json" -q --steps 2 --set data.limit=200 --set data.validation=8 \
    --set model.channels=8 --set model.groups=4 --set train.batch=4 --set train.validate=4 --set sample.count=1 \
    --set method.steps=10 --out run
assert sample diffc sample -m run -q --steps 2 --count 2 --sampler ddim --out grid.png
test -s grid.png
# The name of its place without the package means the package's, where no run belongs.
if [ ! -d data ]; then
    diffc train data/fashion-mnist --dry-run --out /usr/share/datasets/fashion-mnist 2>&1 |
        grep -q ' is a folder of the data' || echo 'a run may take its place'
fi
#> run
#> grid.png
