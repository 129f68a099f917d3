# The layers are a result: with --json members of the object, else on stdout, -q or not.
diffc bench tiny.json -q --seconds 0 --batch 2 --layers >out
assert layers grep -qE '^  conv2d +[0-9.]+ +[0-9.]+% +[0-9.]+ [kMG] +[0-9.]+ [kMG] +[0-9.]+ +[0-9.]+ +[0-9]+% +(arithmetic|L2|L3|memory)$' out
# A norm has no FLOPs that count; all rows are as long as the title.
assert norms grep -qE '^  groupnorm +[0-9.]+ +[0-9.]+% +- +[0-9.]+ [kMG] +- +[0-9.]+ +[0-9]+% +(L2|L3|memory)$' out
assert columns awk '/per image/ { size = length } / %|%  /{ if (length != size) exit 1 }' out
assert "in all" test "$(grep -cE '^  in all +[0-9.]+ 100.0% ' out)" -eq 2
diffc bench tiny.json --seconds 0 --batch 2 --layers --json >out 2>notes
assert "one object" test "$(wc -l <out)" -eq 1
assert "no table" test -z "$(grep conv2d notes)"
number='[0-9][0-9.e+-]*'
for task in training sampling; do
    row='{"task":"'$task'","kind":"conv2d","pass":"forward","seconds":'$number',"flop":'$number',"bytes":'$number',"roof_seconds":'$number'}'
    assert "row of $task" grep -q '"layers":\[.*'"$row" out
    assert "rest of $task" grep -q '{"task":"'$task'","kind":"outside the network","pass":null,"seconds":'"$number" out
done
assert backward grep -q '"task":"training","kind":"conv2d","pass":"backward"' out
diffc bench tiny.json -q --seconds 0 --batch 2 --json >out
assert "not asked for" test "$(grep -c '"layers"' out)" -eq 0
# Dropout does nothing in sampling, and has no row there.
diffc bench tiny.json -q --seconds 0 --batch 2 --layers --set model.dropout=0.5 >out
assert "dropout" test "$(sed -n '/^training, /,/^sampling, /p' out | grep -c '^  dropout ')" -eq 1
assert "no dropout" test "$(sed -n '/^sampling, /,$p' out | grep -c '^  dropout ')" -eq 0
