"""What the tap, the target and the command line stand on: the Exact Online API and its store."""
