diffc info tiny.json | grep -E '^  (network|parameters|compute) '
