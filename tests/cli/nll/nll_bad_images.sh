# What cannot be read does not keep the rest from being scored.
assert train diffc train tiny.json -q --out run >/dev/null
assert sample diffc sample -q -m run --count 2 --out-dir im >/dev/null
echo "not a picture" >text.png
diffc nll -q -m run text.png im/000000.png missing.png im/000001.png | sed 's/: .*//'
diffc nll -q -m run missing.png
#exit 1
#> im/000000.png
#> im/000001.png
#2> diffc nll: text.png: is text, expected a PNG or JPEG image
#2> diffc nll: missing.png: cannot open: No such file or directory
#2> diffc nll: 2 of 4 images could not be scored
#2> diffc nll: missing.png: cannot open: No such file or directory
