NO_COLOR=1 TERM=xterm-256color diffc train tiny.json >out 2>err
! grep -q "$(printf '\033')" out err
