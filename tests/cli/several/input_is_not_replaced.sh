# An output never takes the place of what a command reads, whatever its name is there.
assert train diffc train tiny.json -q --out run >/dev/null
assert sample diffc sample -q -m run --count 1 --out-dir im >/dev/null
mv im/000000.png x.png && cp "$REPOSITORY/data/boot.png" "$REPOSITORY/data/boot-mask.png" . && ln -s x.png link.png && ln -s im/.. here
cksum x.png boot-mask.png >before
refuse() {
    "$@" -q -m run >out 2>err
    echo "$? $(cat out)$(grep -v '^Try' err)"
}
refuse diffc denoise x.png --sigma 20 --out x.png
refuse diffc denoise x.png --sigma 20 --out ./im/../x.png
refuse diffc denoise link.png --sigma 20 --out here/x.png
refuse diffc denoise x.png --sigma 20 --out link.png
refuse diffc restore x.png --scale 2 --out x.png
refuse diffc restore "$PWD/x.png" --scale 2 --out x.png
refuse diffc restore boot.png --mask boot-mask.png --resize --out boot-mask.png
refuse diffc sample --from x.png --out x.png
refuse diffc sample --from x.png --film x.png
cksum x.png boot-mask.png | cmp - before
# The same name elsewhere is another file, and a device is none.
refuse diffc denoise x.png --sigma 20 --out im/x.png
refuse diffc sample --from x.png --steps 2 --out /dev/null
#> 2 diffc denoise: --out is x.png, a file that is read and would be lost; give another name
#> 2 diffc denoise: --out is ./im/../x.png, a file that is read and would be lost; give another name
#> 2 diffc denoise: --out is here/x.png, a file that is read and would be lost; give another name
#> 2 diffc denoise: --out is link.png, a file that is read and would be lost; give another name
#> 2 diffc restore: --out is x.png, a file that is read and would be lost; give another name
#> 2 diffc restore: --out is x.png, a file that is read and would be lost; give another name
#> 2 diffc restore: --out is boot-mask.png, a file that is read and would be lost; give another name
#> 2 diffc sample: --out is x.png, a file that is read and would be lost; give another name
#> 2 diffc sample: --film is x.png, a file that is read and would be lost; give another name
#> 0 im/x.png
#> 0 /dev/null
