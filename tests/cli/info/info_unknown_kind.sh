diffc info images-idx3-ubyte
#exit 2
#2> diffc info: images-idx3-ubyte: neither a folder nor a file named .json or .safetensors; info describes a run, a model folder, a configuration or a tensor file
#2> Try 'diffc info --help'.
