# A tolerance that cannot be met within the calls allowed.
assert train diffc train tiny.json -q --out run >/dev/null
assert sample diffc sample -q -m run --count 2 --out-dir im >/dev/null
diffc nll -q -m run --protocol ode --call-limit 8 im/000000.png 2>message
echo "exit $?"
sed 's/has come to.*and tolerance/has come to ... and tolerance/' message
diffc nll -q -m run --protocol ode --call-limit 8 im/000000.png im/000001.png >figures 2>message
echo "exit $?"
assert "nothing was scored" test ! -s figures
tail -n 1 message
#> exit 1
#> diffc nll: im/000000.png: probability flow: image 0 of the batch has come to ... and tolerance 3e-07, and the limit of 8 calls allows no further step; a larger tolerance or a larger limit of calls may finish it
#> exit 1
#> diffc nll: 2 of 2 images could not be scored
