# A word that nobody reads is refused.
for words in 'help sample nll' '--help sample' '-h x' '--version x'; do
    diffc $words 2>&1 | head -n 1
    diffc $words >out 2>&1
    echo "exit $?"
done
#> diffc: unexpected 'nll' after sample
#> exit 2
#> diffc: unexpected 'sample' after --help
#> exit 2
#> diffc: unexpected 'x' after -h
#> exit 2
#> diffc: unexpected 'x' after --version
#> exit 2
