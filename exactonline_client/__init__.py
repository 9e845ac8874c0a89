"""Client of the Exact Online API with its store, shared by tap, target and command line."""
