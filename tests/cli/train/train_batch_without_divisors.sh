# Passes far below what is possible are said, with the nearest multiple of 8, which does not force them.
for set in train.batch=997 train.batch=96 "train.batch=97 --set train.micro_batch=12" "train.batch=21 --set train.micro_batch=12" \
    "train.batch=22 --set train.micro_batch=12" "train.batch=10 --set train.micro_batch=4"; do
    echo "$set"
    # shellcheck disable=SC2086
    diffc train tiny.json -q --dry-run --set $set | grep passes
done
#> train.batch=997
#>   training     4 updates, batch 997 in passes of 1, learning rate 0.0002, seed 0
#>                train.batch 1000 would allow longer passes, which take less time an image
#> train.batch=96
#>   training     4 updates, batch 96 in passes of 12, learning rate 0.0002, seed 0
#> train.batch=97 --set train.micro_batch=12
#>   training     4 updates, batch 97 in passes of 1, learning rate 0.0002, seed 0
#>                train.batch 96 would allow longer passes, which take less time an image
#> train.batch=21 --set train.micro_batch=12
#>   training     4 updates, batch 21 in passes of 7, learning rate 0.0002, seed 0
#> train.batch=22 --set train.micro_batch=12
#>   training     4 updates, batch 22 in passes of 11, learning rate 0.0002, seed 0
#> train.batch=10 --set train.micro_batch=4
#>   training     4 updates, batch 10 in passes of 2, learning rate 0.0002, seed 0
