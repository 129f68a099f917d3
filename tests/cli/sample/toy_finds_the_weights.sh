# Seconds of training, then annealed Langevin dynamics puts 4 of 5 points into the first mode.
assert train diffc train "$REPOSITORY/configs/toy-two-modes.json" -q --steps 400 --set train.checkpoint_every=0 --out run
assert info diffc info run >info
cat info | sed -n 's/  network  */network: /p; s/  method  */method: /p'
assert picture grep -q PNG run/samples/step-00000400.png
assert sample diffc sample -q -m run --count 500 --csv points.csv --out points.png
head -n 1 points.csv
# 5 standard deviations of 500 draws are 0.09.
awk -F, 'NR > 1 { n++; first += ($1 + $2 > 0) }
    END { share = first / n; print n, (share > 0.71 && share < 0.89) ? "4 of 5" : share }' points.csv
# A point is the same alone, in a batch and with any number of threads.
assert alone diffc sample -q -m run --seed 9 --count 1 --csv alone.csv
assert rows diffc sample -q -m run --seed 5 --count 8 --batch 3 --threads 3 --csv rows.csv
test "$(sed -n 2p alone.csv)" = "$(sed -n 6p rows.csv)" && echo the same point
#> run
#> method: smld, 10 noise levels from 10 down to 0.1, predicts score
#> network: points of 2 values, 3 hidden layers of 64 units
#> points.png
#> points.csv
#> x,y
#> 500 4 of 5
#> alone.csv
#> rows.csv
#> the same point
