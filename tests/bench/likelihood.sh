#!/bin/sh
# What a DDPM model says of images, as a table in bits per dimension: the bound on 1,000 test images;
# bound and probability flow, with both kinds of noise, on the same 64; and those against the same with
# their pixels shuffled and against images of another kind.
# usage: likelihood.sh PATH/TO/diffc RUN TEST-IMAGES OTHERS [OPTION...]
# TEST-IMAGES and OTHERS are IDX files, gzipped or not; OPTIONs go to every `nll --protocol bound`, for
# example --variance fitted. About a quarter of an hour on two cores, most of it the flow.
set -eu
[ $# -ge 4 ] || { sed -n '2,7s/^# //p' "$0" >&2; exit 2; }
program=$1
run=$2
images=$3
others=$4
shift 4
few=${FEW:-64}
many=${MANY:-1000}
folder=$(mktemp -d "${TMPDIR:-/tmp}/diffc-likelihood.XXXXXX")
trap 'rm -rf "$folder"' EXIT
trap 'exit 130' INT TERM

plain() { case $1 in *.gz) gzip -dc "$1" ;; *) cat "$1" ;; esac; }
# The first $few images with the pixels of each in a random order: the same grey levels, no picture.
shuffled() {
    size=$(plain "$images" | head -c 16 | od -An -tu1 | awk '{ print ($11 * 256 + $12) * ($15 * 256 + $16) }')
    printf '\000\000\010\003\000\000'
    printf '%b' "$(printf '\\0%03o\\0%03o' $((few / 256)) $((few % 256)))"
    plain "$images" | head -c 16 | tail -c 8
    plain "$images" | tail -c +17 | head -c $((few * size)) | od -An -v -tu1 -w"$size" |
        awk 'BEGIN { srand(1) } { for (i = NF; i > 1; i--) { j = 1 + int(rand() * i); t = $i; $i = $j; $j = t }
             for (i = 1; i <= NF; i++) printf "\\0%03o", $i; print "" }' |
        while read -r line; do printf '%b' "$line"; done
}
number() { sed -n "s/.*\"$1\":\([0-9.-]*\).*/\1/p"; }
row() { # WHAT COUNT FILE OPTION...
    what=$1 count=$2 file=$3
    shift 3
    line=$("$program" nll -q --json -m "$run" --data "$file" --count "$count" "$@" | tail -n 1)
    echo "$line" | awk -v what="$what" -v mean="$(echo "$line" | number bits_per_dim)" \
        -v error="$(echo "$line" | number standard_error)" -v n="$(echo "$line" | number count)" \
        -v protocol="$(echo "$line" | sed -n 's/.*"protocol":"\([a-z]*\)".*/\1/p')" \
        '{ printf "| %s | %d | %s | %.4f +- %.4f |\n", what, n, protocol, mean, error }'
}
shuffled >"$folder/shuffled-images-idx3-ubyte"
printf '| images | count | protocol | bits/dim |\n|---|---|---|---|\n'
row "test" "$many" "$images" --protocol bound "$@"
row "test" "$few" "$images" --protocol bound "$@"
row "test" "$few" "$images" --protocol ode --tolerance 1e-4 --dequant-by uniform
row "test" "$few" "$images" --protocol ode --tolerance 1e-4 --dequant-by normal
row "test, pixels shuffled" "$few" "$folder/shuffled-images-idx3-ubyte" --protocol bound "$@"
row "others" "$few" "$others" --protocol bound "$@"
