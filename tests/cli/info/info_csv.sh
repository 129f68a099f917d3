# Every object of the log is a line, and every element of its lists; quoted as in RFC 4180.
mkdir run
cat >run/stats.jsonl <<'END'
{"event":"step","step":1,"loss":0.5,"lr":1e-4,"text":"a \"b\", c"}
{"event":"validation","step":1,"loss":null,"levels":[{"t_from":0,"t_to":9,"loss":1.5},{"t_from":10,"t_to":19,"loss":2}]}
rubbish
{"event":"scores","step":2,"means":[1,0.5],"a,b":true,"object":{"x":[1]},"line":"two\nlines"}
{"event":"step","step":3,"lo
END
diffc info run --csv
diffc info run --csv --json
diffc info run --csv --layers
diffc info nowhere --csv
diffc info . --csv
assert train diffc train tiny.json -q --out real >/dev/null
diffc info real --csv | head -n 1
assert "a line for each step" test "$(diffc info real --csv | grep -c '^step,')" -eq 4
assert "a value for each column" test "$(diffc info real --csv | sed 's/"[^"]*"//g' | tr -cd ',\n' | sort -u | wc -l)" -eq 1
#> event,step,loss,lr,text,place,t_from,t_to,"a,b",object,line,value
#> step,1,0.5,1e-4,"a ""b"", c",,,,,,,
#> validation,1,,,,,,,,,,
#> validation.levels,1,1.5,,,0,0,9,,,,
#> validation.levels,1,2,,,1,10,19,,,,
#> scores,2,,,,,,,true,"{""x"":[1]}","two
#> lines",
#> scores.means,2,,,,0,,,,,,1
#> scores.means,2,,,,1,,,,,,0.5
#> event,step,images,loss,grad_norm,lr,images_per_s,seconds,startup_seconds,version,level,threads,cpu,place,t_from,t_to,path
#2> note: 2 lines of run/stats.jsonl cannot be read and are left out
#2> diffc info: --csv and --json are given; choose one of them
#2> Try 'diffc info --help'.
#2> diffc info: --csv and --layers are given; choose one of them
#2> Try 'diffc info --help'.
#2> diffc info: nowhere: no such run folder
#2> diffc info: .: is no run folder; it holds neither stats.jsonl nor config.json
#2> Try 'diffc info --help'.
