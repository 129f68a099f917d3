# Runs are drawn over each other and named; those of one name by their paths. Without a name it is the newest run.
assert one diffc train tiny.json -q --out one/run >/dev/null
assert two diffc train tiny.json -q --out two/run --steps 6 --set train.lr=0.01 >/dev/null
diffc report one/run two/run
diffc report one/run two/run
assert "both are named" grep -q '<ul class=legend><li class=c0>one/run</li><li class=c1>two/run</li></ul>' report-1.html
assert "a key that differs" grep -q "train.<wbr>lr</th><td class=''>0.0002</td><td class='own'>0.01</td><td>0.0002</td>" report-1.html
assert "a wide table scrolls in its own box, with its keys" grep -q "<div class=scroll><table class='keys several'><thead>" report-1.html
assert "a line each" test "$(grep -o "<path class='c[01] line'" report-1.html | sort | uniq -c | wc -l)" -eq 2
assert "levels of each" grep -q 'h3>Held-out loss by noise level, two/run<' report-1.html
mkdir runs && mv two/run runs/newer
diffc report
#> report-1.html
#> report-2.html
#> runs/newer/report.html
#2> run: runs/newer (the newest)
