diffc train tiny.json -q --steps 1 >/dev/null 2>&1
diffc sample --count 1 2>narration
grep newest narration
#> tiny-1.png
#> model: runs/tiny (the newest run)
