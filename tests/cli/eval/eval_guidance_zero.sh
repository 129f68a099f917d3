# Images of no class, which guidance 0 makes, are compared with the images of all classes.
mkdir data && mv images-idx3-ubyte data/train-images-idx3-ubyte
{ printf '\000\000\010\001\000\000\000\100'; yes abc | tr -d '\n' | tr 'abc' '\000\001\002' | head -c 64; } >data/train-labels-idx1-ubyte
assert train diffc train tiny.json -q --out run --set data.path=data --set model.class_conditional=true \
    --set train.label_dropout=0.2 --steps 2 >/dev/null
diffc eval -m run -q --count 20 --steps 2 --guidance 0 | head -n 1
sed 's/"guidance": 1/"guidance": 0/' run/config.json >changed && cat changed >run/config.json
diffc eval -m run -q --count 20 --steps 2 | head -n 1
#> 20 images, and 20 other images of the data, each beside the same 20 images of the data
#> 20 images, and 20 other images of the data, each beside the same 20 images of the data
