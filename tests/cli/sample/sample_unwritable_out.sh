diffc train tiny.json -q --out run --steps 1 >/dev/null 2>&1
diffc sample -q -m run --out nowhere/grid.png
#exit 1
#2> diffc sample: nowhere/grid.png: cannot create: No such file or directory
