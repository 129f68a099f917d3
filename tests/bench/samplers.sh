#!/bin/sh
# A grid of 64 images by every sampler from every given run: network calls and seconds, as a table.
# usage: samplers.sh PATH/TO/diffc FOLDER RUN... ; the grids are left in FOLDER as RUN-SAMPLER.png
set -eu
[ $# -ge 3 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
program=$1
folder=$2
shift 2
mkdir -p "$folder"
number() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p"; }
head='| sampler |'
rule='|---|'
for run; do
    head="$head $(basename "$run") |"
    rule="$rule---|"
done
printf '%s\n%s\n' "$head" "$rule"
"$program" sample --help | sed -n '/^Samplers:/,$s/^  \([a-z][^ ]*\).*/\1/p' | while read -r sampler; do
    row="| \`$sampler\` |"
    for run; do
        if line=$("$program" sample -q --json -m "$run" --sampler "$sampler" --count 64 --seed 0 \
            --out "$folder/$(basename "$run")-$sampler.png" 2>"$folder/error"); then
            calls=$(echo "$line" | number network_calls)
            seconds=$(echo "$line" | number seconds)
            row="$row $(echo "$calls $seconds" | awk '{printf "%d, %.1f s", $1, $2}') |"
        else
            row="$row $(cat "$folder/error") |"
        fi
    done
    echo "$row"
done
