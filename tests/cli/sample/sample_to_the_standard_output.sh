# An output that is the standard output gets its data alone, without the names of files and, of nll, without the results.
assert images diffc train tiny.json -q --steps 1 --out run >/dev/null
assert points diffc train "$REPOSITORY/configs/toy-ring.json" -q --steps 1 --out ring >/dev/null
assert image diffc sample -q -m run --count 1 --steps 1 --out image.png >/dev/null
same() { # OUTPUT-OPTION COMMAND...: the same bytes in a file, and by each name of the standard output
    option=$1
    shift
    assert "$1 $option" diffc "$@" -q "$option" file >/dev/null
    for name in /dev/stdout /dev/fd/1 /proc/self/fd/1; do
        diffc "$@" -q "$option" $name >found && cmp file found
        diffc "$@" -q "$option" $name | cmp file -
    done
    rm file found
}
same --csv sample -m ring --count 3 --steps 1
same --csv sample -m ring --count 3 --steps 1 --out scatter.png
same --out sample -m ring --count 3 --steps 1
same --npz sample -m run --count 1 --steps 1
same --film sample -m run --count 1 --steps 1
same --out denoise -m run image.png --sigma 25
same --out restore -m run image.png --scale 2 --count 1 --steps 1
same --csv nll -m run image.png --calls 4
same --csv nll -m run --data images-idx3-ubyte --count 2 --calls 4
same --per-step nll -m run image.png --steps 2
same --out report run
# The figures of eval are its result, and --json asks for a line; files of other names are named.
diffc eval -q -m run --data images-idx3-ubyte --count 4 --steps 1 --out /dev/stdout | tail -n 1 | grep -ac 'of 4'
diffc sample -q -m ring --count 1 --steps 1 --csv /dev/stdout --json | grep -o '"out":"[^"]*"'
diffc sample -q -m ring --count 1 --steps 1 --csv /dev/null --out scatter.png | cat
#> 1
#> "out":"/dev/stdout"
#> scatter.png
#> /dev/null
