# A micro-batch that does not divide the batch is lowered, and that is said.
diffc train tiny.json --dry-run --set train.micro_batch=3 | grep passes
diffc train tiny.json --dry-run --set train.micro_batch=2 | grep passes
#>   training     4 updates, batch 4 in passes of 2, learning rate 0.0002, seed 0
#>   training     4 updates, batch 4 in passes of 2, learning rate 0.0002, seed 0
#2> note: train.micro_batch 3 does not divide train.batch 4; passes have 2 images, the next lower divisor
