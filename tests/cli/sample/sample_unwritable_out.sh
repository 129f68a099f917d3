# What cannot be written is named as it was given, before the work; /proc is a folder in which not even root creates files.
diffc train tiny.json -q --out run --steps 1 >/dev/null 2>&1
for option in --out-dir --frames; do
    diffc sample -q -m run $option /proc 2>&1 | sed 's/: [^:]*$/: (reason)/'
done
mkdir there && diffc sample -q -m run --count 1 --steps 1 --out-dir there && ls there
diffc sample -q -m run --out nowhere/grid.png
#exit 1
#> diffc sample: /proc: cannot create files in it: (reason)
#> diffc sample: /proc: cannot create files in it: (reason)
#> there
#> 000000.png
#2> diffc sample: nowhere/grid.png: cannot create: No such file or directory
