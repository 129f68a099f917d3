# A BLAS that is none, has no cblas_sgemm, or multiplies wrongly ends the program before it begins; no other
# level reads it.
needs blas
export LD_LIBRARY_PATH=$PWD/lib
mkdir lib
put() { for name in libopenblas.so.0 libblis.so.4 libblas.so.3; do cp "$1" lib/$name; done; }
run() { DIFFC_CPU=blas diffc --version 2>err; echo "exit $?: $(sed "s:$PWD:.:g; s/lib[a-z]*\.so\.[0-9]/LIBRARY/g" err)"; }
echo 'no library' >text
put text
run
echo 'void nothing(void) {} char *openblas_get_config(void) { return "OpenBLAS 9.9 x"; }' >none.c
cc -shared -fPIC -o none.so none.c && put none.so
run
echo 'void cblas_sgemm(void) {}' >>none.c
cc -shared -fPIC -o wrong.so none.c && put wrong.so
run
DIFFC_CPU=plain diffc --version | grep level
#> exit 1: diffc: the BLAS cannot be loaded: ./lib/LIBRARY: file too short; install it, or set DIFFC_CPU=plain to work without (slower)
#> exit 1: diffc: LIBRARY has no cblas_sgemm; install the CBLAS of that library, or set DIFFC_CPU=plain to work without (slower)
#> exit 1: diffc: OpenBLAS 9.9, core unknown (LIBRARY) multiplies wrongly on this CPU; set OPENBLAS_CORETYPE to another core, or DIFFC_CPU to another level than blas
#> level: plain
