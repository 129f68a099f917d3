# Tells what would be trained; makes nothing.
assert dry diffc train tiny.json --dry-run --threads 1 >out
sed -n 's/^  \(network\|parameters\|compute\|method\|training\) .*/&/p' out
assert "no run" test ! -e runs
assert json diffc train tiny.json --dry-run --json >line
assert "one line" test "$(wc -l <line)" -eq 1
grep -o '"image":\[16,16,1\],"channels":\[8,16\]' line
# What it prints is a configuration: the part before the table resolves to itself.
sed '/^}/q' out >resolved.json
assert again diffc train resolved.json --dry-run --threads 1 >again
cmp out again
#>   method       ddpm, 20 steps, linear schedule from 0.0001 to 0.02, predicts eps
#>   network      16x16x1, channels 8 16, 1 block a level, attention at 8x8
#>   parameters   44,969
#>   compute      9.1 MFLOP forward per image
#>   training     4 updates, batch 4 in passes of 4, learning rate 0.0002, seed 0
#> "image":[16,16,1],"channels":[8,16]
