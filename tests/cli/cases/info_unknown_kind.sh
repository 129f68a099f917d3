diffc info images-idx3-ubyte
