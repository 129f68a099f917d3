# Names of folders, values of the configuration and texts of the log are text, never markup.
name="<b>a&'\"x"
assert train diffc train tiny.json -q --out "$name" >/dev/null
sed -i 's|images-idx3-ubyte|</td><script>alert(1)</script>|' "$name/config.json"
cat >>"$name/stats.jsonl" <<'END'
{"event":"step","step":5,"loss":1,"startup_seconds":1,"version":"</style><script>","level":"<img src=x onerror=alert(2)>","threads":1,"cpu":"\u003cscript\u003e\"'"}
{"event":"save_failed","step":5,"part":"<script>","reason":"<script>alert(3)</script>"}
END
assert report diffc report "$name" -o page.html >/dev/null
assert "no script" sh -c '! grep -qiE "<script|<img src=x|onerror=alert\(2\)>|<b>a" page.html'
grep -o '<h1>.*</h1>' page.html
grep -o '&lt;script&gt;alert([0-9])&lt;/script&gt;' page.html | sort -u
grep -o '&lt;img src=x onerror=alert(2)&gt;' page.html | sort -u
#> <h1>&lt;b&gt;a&amp;&#39;&quot;x</h1>
#> &lt;script&gt;alert(1)&lt;/script&gt;
#> &lt;script&gt;alert(3)&lt;/script&gt;
#> &lt;img src=x onerror=alert(2)&gt;
