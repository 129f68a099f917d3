diffc train --help
