# A micro-batch that does not divide the batch is lowered, and that is said.
diffc train tiny.json --dry-run --set train.micro_batch=3 | grep passes
diffc train tiny.json --dry-run --set train.micro_batch=2 | grep passes
