# Names the program and the level, and with blas the library.
diffc --version >out
grep -q '^diffc [0-9]*\.[0-9]*\.[0-9]*$' out && grep -qE '^level: (plain|avx2|avx512|blas [(].+[)])$' out
