# --show draws on a terminal by what it announces, and nothing elsewhere; the files are the same.
needs script
assert train diffc train tiny.json -q --out run >/dev/null
unset TMUX STY KITTY_WINDOW_ID TERM_PROGRAM LC_TERMINAL LC_ALL LC_CTYPE NO_COLOR
diffc sample -q -m run --count 4 --out plain.png --show
shown() { # VARIABLES...: what a terminal gets with them, without the name of the file
    env "$@" script -qec 'diffc sample -q -m run --count 4 --out shown.png --show' /dev/null </dev/null >raw
    tr -d '\r' <raw | grep -av '^shown.png$' >out
    cmp plain.png shown.png
}
shown TERM=xterm-256color LANG=C.UTF-8
echo "half blocks: $(wc -l <out) lines, $(head -n 1 out | grep -o '▀' | wc -l) columns"
assert "each line ends without colour" test "$(grep -c "$(printf '\033')\[0m$" out)" -eq "$(wc -l <out)"
shown TERM=xterm-256color LANG=C
echo "cells: $(wc -l <out) lines of $(head -n 1 out | grep -ao '48;2;[0-9;]*m ' | wc -l)"
shown TERM=xterm-256color LANG=C.UTF-8 NO_COLOR=1
echo "letters: $(wc -l <out) lines of $(head -n 1 out | tr -d '\n' | wc -c)"
assert "no escape codes" test "$(grep -c "$(printf '\033')" raw)" -eq 0
shown TERM=xterm-kitty LANG=C.UTF-8
head -c 22 out | tr '\033' '^' && echo
shown TERM=xterm-256color TERM_PROGRAM=iTerm.app
head -c 26 out | tr '\033' '^' && echo
# In a multiplexer pictures would not arrive.
shown TERM=tmux-256color TMUX=/tmp/socket,1,0 LC_TERMINAL=iTerm2 LANG=C.UTF-8
echo "tmux: $(head -n 1 out | grep -o '▀' | wc -l) columns"
# A terminal that can show none is refused before the work.
for term in dumb vt100; do
    TERM=$term script -qec 'diffc sample -q -m run --out none.png --show' /dev/null </dev/null | tr -d '\r'
done
env -u TERM script -qec 'unset TERM; diffc sample -q -m run --out none.png --show' /dev/null </dev/null | tr -d '\r'
TERM=dumb diffc sample -q -m run --count 4 --out shown.png --show
test ! -e none.png
#> plain.png
#> half blocks: 17 lines, 34 columns
#> cells: 17 lines of 34
#> letters: 17 lines of 34
#> ^_Ga=T,f=100,q=2,m=1;i
#> ^]1337;File=inline=1;size=
#> tmux: 34 columns
#> diffc sample: --show: the terminal (TERM is 'dumb') can show no pictures; leave --show out
#> Try 'diffc sample --help'.
#> diffc sample: --show: the terminal (TERM is 'vt100') can show no pictures; leave --show out
#> Try 'diffc sample --help'.
#> diffc sample: --show: the terminal (TERM is not set) can show no pictures; leave --show out
#> Try 'diffc sample --help'.
#> shown.png
