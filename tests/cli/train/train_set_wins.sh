# Default, then file, then option, then --set.
diffc train tiny.json --dry-run --steps 7 --set train.batch=2 | grep -E '"(steps|batch)": (7|2),'
#>     "steps": 7,
#>     "batch": 2,
