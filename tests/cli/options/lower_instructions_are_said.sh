# A level below the CPU's is said once on stderr, and not with -q. Where the CPU has nothing above plain
# there is nothing to say.
unset DIFFC_CPU
level=$(diffc --version | sed -n 's/^level: \([a-z0-9]*\).*/\1/p')
runs='bench tiny.json --seconds 0 --repeat 1 --batch 1'
DIFFC_CPU=plain diffc $runs >/dev/null 2>err
[ "$level" = plain ] ||
    assert "level is said" test "$(grep -c "^note: DIFFC_CPU holds diffc at plain.* this CPU's $level" err)" = 1
DIFFC_CPU=plain diffc $runs -q 2>&1 >/dev/null
diffc $runs 2>&1 >/dev/null | grep '^note'
test $? = 1
