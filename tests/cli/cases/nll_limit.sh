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
