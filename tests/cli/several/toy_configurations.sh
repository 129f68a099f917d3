# The four configurations that come along can be planned, and say what they are.
for toy in two-modes ring swiss-roll checkerboard; do
    assert plan diffc train "$REPOSITORY/configs/toy-$toy.json" --dry-run >plan
    sed -n 's/^  \(data\|method\|network\|parameters\) */\1: /p' plan
done
diffc info "$REPOSITORY/configs/toy-ring.json" --json | grep -o '"network".*"updates_per_epoch":0'
#> data: points of two-modes: 0.8 N((5,5), I) + 0.2 N((-5,-5), I); 1,000 held out
#> method: smld, 10 noise levels from 10 down to 0.1, predicts score
#> network: points of 2 values, 3 hidden layers of 64 units
#> parameters: 41,954
#> data: points of ring: 8 Gaussians of standard deviation 0.15 on a circle of radius 2; 1,000 held out
#> method: sde vp, beta from 0.1 to 20, predicts eps
#> network: points of 2 values, 3 hidden layers of 64 units
#> parameters: 41,922
#> data: points of swiss-roll: a spiral of one and a half turns, standard deviation 0.1; 1,000 held out
#> method: ddpm, 200 steps, cosine schedule, predicts eps
#> network: points of 2 values, 3 hidden layers of 64 units
#> parameters: 41,922
#> data: points of checkerboard: the 8 dark cells of a 4x4 board of side 4; 1,000 held out
#> method: sde ve, noise from 0.01 to 5.549, predicts score
#> network: points of 2 values, 4 hidden layers of 64 units
#> parameters: 54,434
#> "network":"mlp","dims":2,"width":64,"layers":3,"params":41922,"forward_gflop":8.2432e-05,"data":"points of ring: 8 Gaussians of standard deviation 0.15 on a circle of radius 2; 1,000 held out","images_per_epoch":0,"updates_per_epoch":0
