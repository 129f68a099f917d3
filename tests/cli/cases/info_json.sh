assert train diffc train tiny.json -q --out run >/dev/null
diffc info run --json | sed 's/"\(loss\|seconds\|validation_loss\)":[0-9.e-]*/"\1":X/g'
diffc info run/model --json
