# A reader that leaves is not worth a word.
diffc train --help | head -n 1
