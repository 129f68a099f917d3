diffc train --json
