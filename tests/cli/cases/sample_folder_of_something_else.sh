# What is not there is said, not which file was looked for first.
mkdir pictures run run/model run/model/unet
diffc sample -m pictures
diffc sample -m run
