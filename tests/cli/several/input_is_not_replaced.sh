# An output never takes the place of what a command reads, whatever its name is there.
assert train diffc train tiny.json -q --out run >/dev/null
assert sample diffc sample -q -m run --count 12 --out-dir im --npz x.npz >/dev/null
assert own diffc train tiny.json -q --set data.path=im --set data.validation=0 --steps 1 --out own >/dev/null
cp im/000000.png x.png && cp "$REPOSITORY/data/boot.png" "$REPOSITORY/data/boot-mask.png" . && ln -s x.png link.png && ln -s im/.. here
mkdir masks links frames && cp boot-mask.png masks/000007.png && ln -s ../x.png links/000001.png && cp x.png frames/frame-0003.png
cksum x.* boot-mask.png images-idx3-ubyte ./*/*.png >before
refuse() {
    "$@" -q >out 2>err
    echo "$? $(cat out)$(grep -v '^Try' err)"
}
refuse diffc denoise -m run x.png --sigma 20 --out x.png
refuse diffc denoise -m run x.png --sigma 20 --out ./im/../x.png
refuse diffc denoise -m run link.png --sigma 20 --out here/x.png
refuse diffc denoise -m run x.png --sigma 20 --out link.png
refuse diffc restore -m run x.png --scale 2 --out x.png
refuse diffc restore -m run "$PWD/x.png" --scale 2 --out x.png
refuse diffc restore -m run boot.png --mask boot-mask.png --resize --out boot-mask.png
refuse diffc restore -m run im/000002.png --scale 2 --out-dir here/im --count 4
refuse diffc restore -m run boot.png --mask masks/000007.png --resize --out-dir masks --seed 7 --count 1
refuse diffc sample -m run --from x.png --out x.png
refuse diffc sample -m run --from x.png --film x.png
refuse diffc sample -m run --from im/000000.png --out-dir im
refuse diffc sample -m run --from x.png --out-dir links --count 2
refuse diffc sample -m run --from frames/frame-0003.png --frames frames
refuse diffc nll -m run --data images-idx3-ubyte --csv images-idx3-ubyte
refuse diffc nll -m run x.png boot.png --per-step boot.png
refuse diffc nll -m run x.png --variance fitted --fit-data images-idx3-ubyte --csv images-idx3-ubyte
refuse diffc eval im --data images-idx3-ubyte --out im/000001.png
refuse diffc eval x.npz --data im --out here/im/000001.png
refuse diffc eval -m own --count 4 --steps 1 --out im/000001.png
refuse diffc eval x.npz --data images-idx3-ubyte --out images-idx3-ubyte
# A new picture in a folder of images would be one of them in the next call.
refuse diffc eval im --data images-idx3-ubyte --out im/new.png
refuse diffc eval x.npz --data im --out here/im/new.png
refuse diffc eval -m own --count 4 --steps 1 --out im/new.png
refuse diffc eval x.npz --features w --save-stats x.npz
cksum x.* boot-mask.png images-idx3-ubyte ./*/*.png | cmp - before
# The same name elsewhere is another file, a device is none, and other numbers are other files.
refuse diffc denoise -m run x.png --sigma 20 --out masks/x.png
refuse diffc sample -m run --from x.png --steps 2 --out /dev/null
refuse diffc sample -m run --from im/000000.png --steps 2 --out-dir im --seed 1 --count 1
refuse diffc restore -m run im/000002.png --scale 2 --steps 2 --out-dir im --count 2
refuse diffc eval im --data images-idx3-ubyte --out near.png | head -n 1
assert "a picture in a run is no input" diffc eval -q -m own --count 4 --steps 1 --out own/samples-000001.png >/dev/null
#> 2 diffc denoise: --out is x.png, a file that is read and would be lost; give another name
#> 2 diffc denoise: --out is ./im/../x.png, a file that is read and would be lost; give another name
#> 2 diffc denoise: --out is here/x.png, a file that is read and would be lost; give another name
#> 2 diffc denoise: --out is link.png, a file that is read and would be lost; give another name
#> 2 diffc restore: --out is x.png, a file that is read and would be lost; give another name
#> 2 diffc restore: --out is x.png, a file that is read and would be lost; give another name
#> 2 diffc restore: --out is boot-mask.png, a file that is read and would be lost; give another name
#> 2 diffc restore: --out-dir would replace here/im/000002.png, a file that is read and would be lost; give another folder
#> 2 diffc restore: --out-dir would replace masks/000007.png, a file that is read and would be lost; give another folder
#> 2 diffc sample: --out is x.png, a file that is read and would be lost; give another name
#> 2 diffc sample: --film is x.png, a file that is read and would be lost; give another name
#> 2 diffc sample: --out-dir would replace im/000000.png, a file that is read and would be lost; give another folder
#> 2 diffc sample: --out-dir would replace links/000001.png, a file that is read and would be lost; give another folder
#> 2 diffc sample: --frames would replace frames/frame-0003.png, a file that is read and would be lost; give another folder
#> 2 diffc nll: --csv is images-idx3-ubyte, a file that is read and would be lost; give another name
#> 2 diffc nll: --per-step is boot.png, a file that is read and would be lost; give another name
#> 2 diffc nll: --csv is images-idx3-ubyte, a file that is read and would be lost; give another name
#> 2 diffc eval: --out is im/000001.png, a file that is in im, whose images are read, and would be lost; give another name
#> 2 diffc eval: --out is here/im/000001.png, a file that is in im, whose images are read, and would be lost; give another name
#> 2 diffc eval: --out is im/000001.png, a file that is in im, whose images are read, and would be lost; give another name
#> 2 diffc eval: --out is images-idx3-ubyte, a file that is read and would be lost; give another name
#> 2 diffc eval: --out is im/new.png, which would be one more image of im; give a name in another folder
#> 2 diffc eval: --out is here/im/new.png, which would be one more image of im; give a name in another folder
#> 2 diffc eval: --out is im/new.png, which would be one more image of im; give a name in another folder
#> 2 diffc eval: --save-stats is x.npz, a file that is read and would be lost; give another name
#> 0 masks/x.png
#> 0 /dev/null
#> 0 im
#> 0 im
#> 0 12 images, and 12 other images of the data, each beside the same 12 images of the data
