# What the CPU has is named, whichever it is.
DIFFC_CPU=sse9 diffc --version 2>err
status=$?
sed 's/can be plain.*/can be LEVELS/' err
exit $status
#exit 2
#> diffc: DIFFC_CPU is 'sse9': diffc does not know this level; here it can be LEVELS
#> Try 'diffc --help'.
