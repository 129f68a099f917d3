assert train diffc train tiny.json >out 2>err
assert narration test -s err
! grep -q "$(printf '\033')" out err
