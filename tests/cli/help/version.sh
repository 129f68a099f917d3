# Names the program, the level, with blas the library, and the compiler.
diffc --version >out
grep -q '^diffc [0-9]*\.[0-9]*\.[0-9]*$' out && grep -qE '^level: (plain|avx2|avx512|blas [(].+[)])$' out &&
    grep -qE '^compiler: (gcc|clang) [0-9]+[.][0-9]+[.][0-9]+$' out
