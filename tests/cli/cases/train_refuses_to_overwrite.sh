diffc train tiny.json -q --out run --steps 1
diffc train tiny.json -q --out run --steps 1
