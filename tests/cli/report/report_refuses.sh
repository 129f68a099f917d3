# One sentence each.
assert train diffc train tiny.json -q --out runs/a >/dev/null
mkdir empty bare new && cp runs/a/config.json bare && cp runs/a/config.json new && : >new/stats.jsonl && cp -r runs/a/model model
refused() {
    diffc report "$@" 2>said
    echo "$? $(head -n 1 said)"
}
refused missing
refused a
refused tiny.json
refused empty
refused bare
refused new
refused model
refused runs/a/model
refused runs/a ./runs/a
ln -s a runs/link
refused runs/a runs/link
refused runs/a 1 2 3 4 5 6 7 8
refused runs/a -o page.png
refused runs/a -o empty
refused runs/a -o missing/page.html
refused runs/a --ou page.html
cd empty && refused
mkdir runs && refused
#> 1 diffc report: missing: no such run folder
#> 1 diffc report: a: no such run folder; did you mean runs/a?
#> 2 diffc report: tiny.json: is a file, expected a run folder
#> 2 diffc report: empty: is no run folder; it holds neither stats.jsonl nor config.json
#> 1 diffc report: bare: this run has no stats.jsonl, so there is nothing to report
#> 1 diffc report: new/stats.jsonl: has no statistics of any update yet
#> 2 diffc report: model: is a model folder, which has no statistics; expected a run folder, which train makes
#> 2 diffc report: runs/a/model: is the model of a run; did you mean runs/a?
#> 2 diffc report: runs/a and ./runs/a are the same run; name it once
#> 2 diffc report: runs/a and runs/link are the same run; name it once
#> 2 diffc report: 9 runs are named; a report shows at most 8, because more cannot be told apart
#> 2 diffc report: --out is page.png, but it is written as html; give it a name that ends in .html
#> 2 diffc report: --out is empty, a folder; name a file, such as empty/out.html
#> 1 diffc report: missing/page.html: cannot create: No such file or directory
#> 2 diffc report: unknown option '--ou'; did you mean '--out'?
#> 1 diffc report: there is no folder runs here; name a run: diffc report RUN
#> 1 diffc report: no run under runs has statistics; train one first
