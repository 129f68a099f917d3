printf '{"train": {"learning": 1}}\n' >unknown.json
diffc train unknown.json
