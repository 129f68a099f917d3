# Products by a BLAS: --version, bench, info and a run that is resumed at another level name the library.
# An OpenBLAS that chooses a core below the CPU's is said at this level alone.
needs blas
own=$(diffc --version | sed -n 's/^level: //p')
unset OPENBLAS_CORETYPE
export DIFFC_CPU=blas
level=$(diffc --version | sed -n 's/^level: //p')
case $level in "blas ("?*")") ;; *) echo "the version says $level" ;; esac
says() { grep -qF "$1" out || echo "missing in the answer: $1"; }
diffc train tiny.json -q --out run >/dev/null
diffc bench tiny.json --seconds 0 --repeat 1 --batch 1 --json 2>err >out
says "\"level\":\"$level\""
grep '^note' err
diffc info run --json >out
says "\"level\":\"$level\""
case $own in blas*) own=plain ;; esac
DIFFC_CPU=${own%% *} diffc train --resume --out run --steps 6 >out 2>&1
says "saved with the kernels of $level and continues with those of $own"
case $level:$own in
*OpenBLAS*:avx*)
    OPENBLAS_CORETYPE=Prescott diffc bench tiny.json --seconds 0 --repeat 1 --batch 1 2>&1 >/dev/null | grep '^note' >out
    best=$(env -u DIFFC_CPU diffc --version | sed -n 's/^level: //p')
    says "core Prescott, multiplies for an older CPU than this one, which has $best: set OPENBLAS_CORETYPE"
    OPENBLAS_CORETYPE=Prescott DIFFC_CPU=$own diffc bench tiny.json --seconds 0 --repeat 1 --batch 1 2>&1 >/dev/null | grep '^note'
    ;;
esac
true
