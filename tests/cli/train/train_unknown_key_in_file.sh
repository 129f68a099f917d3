printf '{"train": {"learning": 1}}\n' >unknown.json
diffc train unknown.json
#exit 2
#2> diffc train: unknown.json: train.learning is not a known key; known keys of train: init, steps, minutes, batch, micro_batch, accumulate, label_dropout, optimizer, lr, beta1, beta2, eps, weight_decay, warmup, schedule, clip, ema, seed, log_every, checkpoint_every, keep, validate, eval_every
#2> Try 'diffc train --help'.
