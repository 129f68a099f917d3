# The four configurations that come along can be planned, and say what they are.
for toy in two-modes ring swiss-roll checkerboard; do
    assert plan diffc train "$REPOSITORY/configs/toy-$toy.json" --dry-run >plan
    sed -n 's/^  \(data\|method\|network\|parameters\) */\1: /p' plan
done
diffc info "$REPOSITORY/configs/toy-ring.json" --json | grep -o '"network".*"updates_per_epoch":0'
