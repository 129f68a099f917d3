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
#exit 2
#2> diffc nll: --fit-count belongs to --variance fitted and --spacing dp
#2> Try 'diffc nll --help'.
#2> diffc nll: folder: is not in a run that says its training data; what is measured on them needs --fit-data PATH
#2> Try 'diffc nll --help'.
