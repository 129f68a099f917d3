# Every key of a resolved configuration is in the help.
diffc train --help >help
assert dry diffc train tiny.json --dry-run >out
sed -n '1,/^}/s/^    "\([a-z0-9_]*\)":.*/\1/p' out | while read -r key; do
    grep -qE "^  (data|model|method|train|sample)\.$key( |\$)" help || echo "$key is missing"
done
