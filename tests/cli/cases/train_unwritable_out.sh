# A file stands where the run's folder should be.
: >taken
diffc train tiny.json --quiet --out taken/run
