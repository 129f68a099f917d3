# No kernel uses BLAS: whatever core OpenBLAS takes the CPU for, nothing is said of it, the bits are the
# same, and a run goes on under another core without a word.
for core in '' Prescott Haswell; do
    name=run$core
    [ -z "$core" ] || export OPENBLAS_CORETYPE=$core
    diffc train tiny.json --steps 2 --out $name >/dev/null 2>err || cat err
    grep '^note' err
    diffc sample --model run --count 1 --steps 2 --out $name.png 2>&1 >/dev/null | grep '^note'
    diffc nll --model $name --data images-idx3-ubyte --count 1 --protocol bound 2>&1 >/dev/null | grep '^note'
    diffc bench tiny.json --seconds 0 --repeat 1 --batch 1 2>&1 >/dev/null | grep '^note'
    cmp run.png $name.png
    cmp run/model/unet/diffusion_pytorch_model.safetensors $name/model/unet/diffusion_pytorch_model.safetensors
done
diffc train tiny.json --steps 4 --out run --resume 2>&1 >/dev/null | grep '^note.*\(BLAS\|kernels\)'
test $? = 1
