DIFFC_CPU=sse9 diffc --version
#exit 2
#2> diffc: DIFFC_CPU is 'sse9', which this CPU or this build lacks or diffc does not know; it must be plain, avx2, avx512 or blas
#2> Try 'diffc --help'.
