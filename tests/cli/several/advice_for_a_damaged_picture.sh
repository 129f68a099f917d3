# Only a command that can leave it out advises to do so.
assert train diffc train tiny.json -q --out run >/dev/null
assert pictures diffc sample -q -m run --count 8 --out-dir pics >/dev/null
assert train diffc train tiny.json -q --out of-pictures --set data.path=pics --set data.validation=0 >/dev/null
echo "not a picture" >pics/000003.png
diffc train tiny.json --set data.path=pics --dry-run
diffc train pics --dry-run
diffc train tiny.json -q --set data.path=pics --out other
diffc train -q --resume --out of-pictures --steps 5
diffc eval -q -m run --data pics --steps 2
diffc eval -q pics --data images-idx3-ubyte
diffc eval -q -m of-pictures --steps 2
diffc nll -q -m run --data pics
diffc denoise -q -m run --data pics --sigma 9
#exit 1
#2> diffc train: pics/000003.png: is text, expected a PNG or JPEG image (data.skip_bad = true leaves such images out)
#2> diffc train: pics/000003.png: is text, expected a PNG or JPEG image (data.skip_bad = true leaves such images out)
#2> diffc train: pics/000003.png: is text, expected a PNG or JPEG image (data.skip_bad = true leaves such images out)
#2> diffc train: pics/000003.png: is text, expected a PNG or JPEG image (data.skip_bad = true leaves such images out)
#2> diffc eval: pics/000003.png: is text, expected a PNG or JPEG image
#2> diffc eval: pics/000003.png: is text, expected a PNG or JPEG image
#2> diffc eval: pics/000003.png: is text, expected a PNG or JPEG image
#2> diffc nll: pics/000003.png: is text, expected a PNG or JPEG image
#2> diffc denoise: pics/000003.png: is text, expected a PNG or JPEG image
