diffc smaple --out x.png
