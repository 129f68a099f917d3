# train --show draws the samples of each checkpoint where stderr is a terminal, and the progress line goes on below;
# elsewhere it shows nothing. The run is the same.
needs script
unset TMUX STY KITTY_WINDOW_ID TERM_PROGRAM LC_TERMINAL LC_ALL LC_CTYPE NO_COLOR
assert plain diffc train tiny.json -q --out plain >/dev/null
diffc train tiny.json -q --out quiet --show
TERM=xterm-256color LANG=C.UTF-8 script -qec 'diffc train tiny.json --out shown --show --steps 6' /dev/null \
    </dev/null | tr '\r' '\n' >out
grep -a '^.*step [0-9]*: samples' out | sed "s/^.*step/step/"
echo "$(grep -ac '▀' out) lines of pictures"
# After the first picture there are progress lines again, each on a line without a picture.
awk '/▀/ { pictures++ } pictures && /images\/s/ { after++; if (/▀/) mixed++ } END { print (after > 0), mixed + 0 }' out
TERM=dumb script -qec 'diffc train tiny.json --out none --show' /dev/null </dev/null | tr -d '\r'
test ! -e none
cmp plain/model/unet/diffusion_pytorch_model.safetensors quiet/model/unet/diffusion_pytorch_model.safetensors
#> quiet
#> step 2: samples
#> step 4: samples
#> step 6: samples
#> 51 lines of pictures
#> 1 0
#> diffc train: --show: the terminal (TERM is 'dumb') can show no pictures; leave --show out
#> Try 'diffc train --help'.
