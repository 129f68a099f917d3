# Bits may differ on another CPU, so a run that is resumed there says it; on the same one it does not.
level=$(diffc --version | sed -n 's/^level: //p')
assert train diffc train tiny.json -q --out run >/dev/null
diffc train --resume --out run --steps 6 2>&1 >/dev/null | grep -c 'kernels of'
DIFFC_CPU=plain diffc train --resume --out run --steps 7 2>said >/dev/null
[ "$level" = plain ] || assert "it is said" grep -q "saved with the kernels of $level and continues with those of plain" said
#> 0
