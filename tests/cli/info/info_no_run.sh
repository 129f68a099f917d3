# PATH may be left out, so that no run is there is no mistake of usage.
diffc info
mkdir runs
diffc info
#exit 1
#2> diffc info: there is no folder runs here; train a model first or give --model PATH
#2> diffc info: no run under runs has a model yet; train one first or give --model PATH
