#!/bin/sh
# The folders with the seeds of a fuzz target, one a line: tests/fuzz/seeds/NAME and what else is here.
# usage: seeds.sh NAME
here=$(cd "$(dirname "$0")" && pwd)
[ -d "$here/seeds/$1" ] && echo "$here/seeds/$1"
case $1 in
image) echo "$here/../golden/images" ;;
config | json) echo "$here/../../configs" ;;
safetensors) echo "$here/../golden" ;;
esac
exit 0
