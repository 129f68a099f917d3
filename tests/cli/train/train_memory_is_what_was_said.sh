# The memory that --dry-run names is, within a tenth, the most that the run then holds.
needs no-sanitizer
for set in model.channels=64 train.micro_batch=64; do
    plan() { diffc train "$@" tiny.json --threads 2 --set model.groups=8 --set train.batch=64 --set $set --steps 2; }
    plan --dry-run --json | sed 's/.*"memory_bytes":\([0-9]*\).*/\1/' >said
    plan --json -q --out "run-$set" | sed -n 's/.*"peak_memory_bytes":\([0-9]*\).*/\1/p' >held
    paste said held | awk '{ q = $1 / $2; print (q > .9 && q < 1.1 ? "within a tenth" : "said " $1 ", held " $2) }'
done
#> within a tenth
#> within a tenth
