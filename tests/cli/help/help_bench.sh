diffc bench --help
#> usage: diffc bench [CONFIG.json] [options]
#>
#> Measure the speed of training and sampling.
#>
#>   diffc bench
#>   diffc bench configs/cifar10-ddpm.json --batch 16 --json
#>
#> Measurement:
#>   -b, --batch N           images per update, and per call of the network when
#>                           sampling (1 to 65536; default: train.batch)
#>       --seconds S         time for each of the two measurements (0 to 3600;
#>                           default: 5)
#>       --repeat N          repetitions at least, however long they take; one more
#>                           before them is not counted (1 to 100000; default: 3)
#>       --task KIND         what is measured; one alone shows its own memory
#>                           (both, train, sample; default: both)
#>       --layers            also time, FLOPs, bytes, rates and share of the
#>                           machine's roof by kind of operation; with --json the
#>                           array "layers"
#>       --set KEY=VALUE ... change a key of the configuration
#>
#> General:
#>       --threads N         threads; the results do not depend on it (1 to 256;
#>                           default: OMP_NUM_THREADS, or one per CPU that diffc
#>                           may use; one per core, where a second CPU of the core
#>                           adds nothing (--version shows it))
#>       --json              results as one JSON object a line
#>   -q, --quiet             no narration and no progress
#>   -h, --help              this text
#>
#> Without a configuration, that of configs/bench-tiny.json. The images are noise,
#> the figures medians. Training is the update that train makes, sampling the
#> network call that sample makes. A training image counts its data, forward,
#> backward and its share of the update; GFLOP/s count three forward passes for it
#> (six for a cdm and for each direction of the exact and sliced objectives). An
#> interruption ends it after the repetition at hand, a second one at once. With
#> --layers, "of roof" is the least time that the arithmetic and the memory of this
#> machine, measured first, allow for the work, as a share of the time taken.
#> "bound by" is what most of that least time goes to: arithmetic, or the smallest
#> of L2, L3 and memory that holds the inputs, output and parameters of one
#> operation. It is an estimate, which does not see what else is in the cache.
#> Transforms of fast convolutions, packing of weights and what is outside the
#> network, such as the optimizer, have no least time, so 100% cannot be reached.
