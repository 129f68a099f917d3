# A file stands where the run's folder should be.
: >taken
diffc train tiny.json --quiet --out taken/run
#exit 1
#2> diffc train: taken: exists and is not a folder
