# What is not there is said, not which file was looked for first.
mkdir pictures run run/model run/model/unet
diffc sample -m pictures
diffc sample -m run
#exit 1
#2> diffc sample: pictures: is neither a run folder nor a model folder; it holds no model, no model_index.json and no unet
#2> diffc sample: run: this run has not saved a model yet (it is written at each checkpoint)
