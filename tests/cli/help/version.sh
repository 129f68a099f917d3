# Names the program, the instruction set and the BLAS.
diffc --version >out
grep -q '^diffc [0-9]*\.[0-9]*\.[0-9]*$' out && grep -qE '^instructions: (plain|avx2|avx512)$' out && grep -q '^blas: [^ ]' out
