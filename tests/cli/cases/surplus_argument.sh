diffc info tiny.json other.json
