diffc denoise --help
