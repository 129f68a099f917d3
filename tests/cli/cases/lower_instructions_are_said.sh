# A level or a BLAS core below the CPU's is said once on stderr, and not with -q. Where the CPU has
# nothing above plain there is nothing to say.
unset OPENBLAS_CORETYPE
level=$(diffc --version | sed -n 's/^instructions: //p')
runs='bench tiny.json --seconds 0 --repeat 1 --batch 1'
said() { grep -c "^note: $1.* this CPU's $level" err; }
DIFFC_CPU=plain diffc $runs >/dev/null 2>err
OPENBLAS_CORETYPE=Nehalem diffc --version >version
[ "$level" = plain ] || assert "level is said" test "$(said 'DIFFC_CPU holds diffc at plain')" = 1
if [ "$level" != plain ] && grep -q '^blas: OpenBLAS .* Nehalem$' version; then
    OPENBLAS_CORETYPE=Nehalem diffc $runs >/dev/null 2>err
    assert "core is said" test "$(said 'the kernels of OpenBLAS .* Nehalem')" = 1
    assert "and the level is not" test "$(grep -c DIFFC_CPU err)" = 0
    OPENBLAS_CORETYPE=Nehalem diffc train tiny.json --out run >out 2>err
    assert "core is said by train" test "$(said 'the kernels of OpenBLAS .* Nehalem')" = 1
    OPENBLAS_CORETYPE=Nehalem diffc sample --model run --count 1 --steps 2 >out 2>err
    assert "core is said by sample" test "$(said 'the kernels of OpenBLAS .* Nehalem')" = 1
fi
DIFFC_CPU=plain OPENBLAS_CORETYPE=Nehalem diffc $runs -q 2>&1 >/dev/null
diffc $runs 2>&1 >/dev/null | grep '^note'
test $? = 1
