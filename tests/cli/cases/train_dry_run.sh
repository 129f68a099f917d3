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
