#!/bin/sh
# Puts the program where it is called from, or removes it there.
# usage: install.sh install PROGRAM TARGET | install.sh uninstall TARGET
fail() { # CAUSE WHAT INSTEAD
    echo "$1" >&2
    echo "$2; run 'sudo make $command', or $3: make $command PREFIX=\$HOME/.local" >&2
    exit 1
}
command=$1
case $command in
install)
    cause=$(install -D -m 755 "$2" "$3" 2>&1) ||
        fail "$cause" "$3 cannot be written" "choose a folder of your own"
    echo "installed $3"
    ;;
uninstall)
    if [ ! -e "$2" ] && [ ! -L "$2" ]; then
        echo "$2 is not there"
        exit 0
    fi
    cause=$(rm -f "$2" 2>&1) ||
        fail "$cause" "$2 cannot be removed" "give the PREFIX of the installation"
    echo "removed $2"
    ;;
*) sed -n 's/^# usage: //p' "$0" >&2; exit 2 ;;
esac
