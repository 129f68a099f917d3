# A reader that leaves is not worth a word.
diffc train --help | head -n 1
#> usage: diffc train [CONFIG.json | DATA] [options]
