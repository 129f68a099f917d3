# Fitted variances make the bound smaller; they are measured on training images, which a model folder
# does not know.
assert train diffc train tiny.json -q --out run --set train.steps=30 >/dev/null
mean() { diffc nll -q -m run --data images-idx3-ubyte --count 8 --exact "$@" | sed 's/.*: \([0-9.]*\) bits.*/\1/'; }
small=$(mean --variance small)
large=$(mean --variance large)
fitted=$(mean --variance fitted --fit-count 16)
assert "below small" awk "BEGIN { exit !($fitted < $small) }"
assert "below large" awk "BEGIN { exit !($fitted < $large) }"
assert "the same with the data named" test "$fitted" = "$(mean --variance fitted --fit-count 16 --fit-data images-idx3-ubyte)"
assert sample diffc sample -q -m run --count 1 --out-dir im >/dev/null
diffc nll -q -m run --fit-count 9 im/000000.png
cp -r run/model folder
diffc nll -q -m folder --variance fitted im/000000.png
# Of a run that left out what it could not read, so does the measuring; other data have to be readable.
assert pictures diffc sample -q -m run --count 8 --out-dir pics >/dev/null
echo "not a picture" >pics/000003.png
assert skip diffc train tiny.json -q --out left --steps 5 --set data.path=pics --set data.validation=0 --set data.skip_bad=true >/dev/null
assert "measured on the run's own data" diffc nll -q -m left --variance fitted im/000000.png >/dev/null
assert "steps chosen by them" diffc sample -q -m left --spacing dp --steps 3 --count 1 --out-dir dp >/dev/null
diffc nll -q -m left --variance fitted --fit-data pics im/000000.png
#exit 1
#2> diffc nll: --fit-count belongs to --variance fitted and --spacing dp
#2> Try 'diffc nll --help'.
#2> diffc nll: folder: is not in a run that says its training data; what is measured on them needs --fit-data PATH
#2> Try 'diffc nll --help'.
#2> diffc nll: pics/000003.png: is text, expected a PNG or JPEG image
