# An image's figures are the same alone and among others, with any batch and any number of threads.
assert train diffc train tiny.json -q --out run --set train.steps=30 >/dev/null
assert sample diffc sample -q -m run --count 3 --out-dir im >/dev/null
for protocol in bound ode; do
    diffc nll -q -m run --protocol $protocol im/000000.png im/000001.png im/000002.png --threads 1 >three
    assert "three lines" test "$(wc -l <three)" -eq 3
    diffc nll -q -m run --protocol $protocol im/000002.png im/000001.png --batch 1 --threads 3 >two
    diffc nll -q -m run --protocol $protocol im/000001.png >one
    assert "the same alone" test "$(sed -n 2p three)" = "$(cat one)"
    assert "the same in another order" test "$(sed -n '2p;3p' three)" = "$(sed -n '2p;1p' two | sort)"
    diffc nll -q -m run --protocol $protocol im/000001.png --seed 1 >other
    assert "another seed" test "$(cat one)" != "$(cat other)"
    sed 's/-*[0-9][0-9.]*/N/g; s/N.png/I.png/' one
done
#> im/Npng: N bits/dim +- N (bound, N nats, N dims, N network calls)
#> im/Npng: N bits/dim +- N (ode, N nats, N dims, N network calls)
