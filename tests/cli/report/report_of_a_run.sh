# A report is one file that needs nothing else: no script, nothing from elsewhere. train has written it already,
# and the same run gives the same bytes again.
assert train diffc train tiny.json -q --out run --set train.eval_every=2 >/dev/null
cp run/report.html written
diffc report run
assert "the same bytes" cmp run/report.html written
for part in 'h3>Loss<' 'h3>Held-out loss<' 'h3>Gradient norm<' 'h3>Learning rate<' 'h3>Images per second<' \
    'h3>Distance of samples<' 'h3>Held-out loss by noise level<' 'h2>Samples<' 'h2>Configuration<' 'prefers-color-scheme:dark' \
    'ddpm, 20 steps, linear schedule' '44,969' 'images-idx3-ubyte' '<title>update 4' ; do
    assert "it has $part" grep -qF -- "$part" run/report.html
done
assert "both grids are in it" test "$(grep -c "src='data:image/png;base64,iVBORw0KGgo" run/report.html)" -eq 2
assert "no script and nothing from elsewhere" sh -c "! grep -qiE '<script|<link|<iframe|https?:|url\(|@import|src=.[^d]' run/report.html"
assert "what differs from the default is marked" grep -q "class='notable'.*train.<wbr>batch</th><td class='own'>4</td><td>64</td>" run/report.html
assert "what is the default is not" grep -q "class=''.*train.<wbr>beta1</th><td class=''>0.9</td><td>0.9</td>" run/report.html
sed 's/<\(path\|text\|wbr\|meta\|img\)[^>]*>//g' run/report.html | grep -o '<[a-z][a-z0-9]*' | sort | uniq -c | tr -d '<' >opened
sed 's/<\/text>//g' run/report.html | grep -o '</[a-z0-9]*' | sort | uniq -c | tr -d '</' >closed
assert "what is opened is closed" cmp opened closed
diffc report run -o other.html --json | sed 's/"bytes":[0-9]*/"bytes":N/'
diffc report run -o other.html -q
cd run && diffc report . -o ../here.html && assert "by its own name" grep -q '<h1>run</h1>' ../here.html
#> run/report.html
#> {"out":"other.html","runs":1,"bytes":N,"lines":12,"unreadable_lines":0}
#> other.html
#> ../here.html
