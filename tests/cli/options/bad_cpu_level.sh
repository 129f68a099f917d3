DIFFC_CPU=sse9 diffc --version
#exit 2
#2> diffc: DIFFC_CPU is 'sse9', which this CPU lacks or diffc does not know; it must be plain, avx2 or avx512
#2> Try 'diffc --help'.
