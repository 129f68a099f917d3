# Passes far below what is possible are said, with the nearest batch that does not force them.
for set in train.batch=997 train.batch=96 "train.batch=97 --set train.micro_batch=12" "train.batch=21 --set train.micro_batch=12" \
    "train.batch=22 --set train.micro_batch=12" "train.batch=10 --set train.micro_batch=4"; do
    echo "$set"
    # shellcheck disable=SC2086
    diffc train tiny.json -q --dry-run --set $set | grep passes
done
