diffc
