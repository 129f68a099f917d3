# Without a protocol the method's own is taken and said; without a model the newest run is.
for method in '"ddpm", "steps": 20' '"smld", "levels": 12' '"sde", "sde": "ve"' '"sde", "sde": "vp"' '"sde", "sde": "subvp"'; do
    sed "s/\"method\".*/\"method\": { \"type\": $method },/; /\"sampler\"/d; s/\"validate\": 4 },/\"validate\": 4 }/" tiny.json >method.json
    assert train diffc train method.json -q --out runs/new >/dev/null
    echo "$method"
    diffc nll --data images-idx3-ubyte --count 2 2>narration | sed 's/[0-9]*\.[0-9]*/N/g; s/[0-9]* network/N network/'
    grep -E 'newest|protocol|nll:' narration
    rm -r runs/new
done
