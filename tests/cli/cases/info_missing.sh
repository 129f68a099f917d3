diffc info nowhere
