DIFFC_CPU=sse9 diffc --version
