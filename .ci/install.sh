#!/bin/sh
# Puts the program where it is called from, or removes it there.
# usage: install.sh install PROGRAM TARGET | install.sh uninstall TARGET
fail() { # WHAT CAUSE
    echo "$2" >&2
    echo "$1; run 'sudo make $command', or name a folder of your own: make $command PREFIX=\$HOME/.local" >&2
    exit 1
}
command=$1
case $command in
install)
    cause=$(install -D -m 755 "$2" "$3" 2>&1) || fail "$3 cannot be written" "$cause"
    echo "installed $3"
    ;;
uninstall)
    if [ ! -e "$2" ] && [ ! -L "$2" ]; then
        echo "$2 is not there"
        exit 0
    fi
    cause=$(rm -f "$2" 2>&1) || fail "$2 cannot be removed" "$cause"
    echo "removed $2"
    ;;
*) sed -n 's/^# usage: //p' "$0" >&2; exit 2 ;;
esac
