# A last line that was cut off is no matter; other lines that cannot be read are counted; what is not finite is a gap;
# a run that went back is drawn with what it did the second time; a configuration that cannot be read is said.
line() { printf '{"event":"step","step":%d,"loss":%s}\n' "$1" "$2"; }
mkdir cut bad gap back
{ line 1 0.5 && line 2 0.25 && printf '{"event":"step","st'; } >cut/stats.jsonl
diffc report cut
{ line 1 0.5 && echo rubbish && line 2 0.25; } >bad/stats.jsonl
diffc report bad
{ line 1 0.5 && line 2 0.5 && line 3 null && line 4 NaN && line 5 0.5 && line 6 0.5; } >gap/stats.jsonl
diffc report gap -q
grep -o "<path class='c0 line' d='[^']*'" gap/report.html
{ line 1 0.5 && line 2 0.5 && line 3 9 && line 2 0.5 && line 3 0.5; } >back/stats.jsonl
diffc report back -q
grep -o 'The run went back[^<]*' back/report.html
assert "what was undone is not drawn" sh -c '! grep -q "<title>update 3.9</title>" back/report.html'
grep -o 'The run has no config.json.' back/report.html
echo '{"train":{"lr":"much"}}' >back/config.json
diffc report back -q
grep -o 'class=problem>[^<]*' back/report.html
#> cut/report.html
#> bad/report.html
#> gap/report.html
#> <path class='c0 line' d='M103.7 102.0 161.3 102.0M334.3 102.0 392.0 102.0'
#> back/report.html
#> The run went back and did updates again; 2 values from before are left out.
#> The run has no config.json.
#> back/report.html
#> class=problem>back/config.json: train.lr must be a number above 0 and at most 10, got &quot;much&quot; (a string)
#2> note: 1 line of the log cannot be read and is left out
