diffc bench tiny.json -q --seconds 0 --batch 2 --threads 1 >out
sed -n '/level\|memory/!s/[0-9][0-9.e+]*/N/gp' out | sed 's/N of N CPUs: as asked/N/'
assert "level and memory" test "$(grep -cE '^  (level|peak memory) +[^ ]' out)" -eq 2
# Sampling takes the passes that `diffc sample` takes: up to 8 images, 512 points, in each thread.
for threads in 1 2; do
    diffc bench tiny.json -q --seconds 0 --task sample --batch 9 --threads $threads | sed -n 's/.*\((batch .*\)/\1/p'
    for batch in 512 513; do
        diffc bench "$REPOSITORY/configs/toy-ring.json" -q --seconds 0 --task sample --batch $batch --threads $threads |
            sed -n 's/.*\((batch .*\)/\1/p'
    done
done
diffc bench tiny.json -q --seconds 0 --task train --batch 32 --threads 2 | sed -n 's/.*\((batch .*\)/\1/p'
#>   parameters   N,N
#>   compute      N MFLOP forward per image
#>   training     N images/s, N GFLOP/s (batch N)
#>   sampling     N forwards/s, N GFLOP/s (batch N)
#>   threads      N
#> (batch 9 in passes of 8)
#> (batch 512)
#> (batch 513 in passes of 512)
#> (batch 9 in passes of 5, 2 side by side)
#> (batch 512 in passes of 256, 2 side by side)
#> (batch 513 in passes of 257, 2 side by side)
#> (batch 32 in passes of 4, 2 side by side)
