"""Select the divisions of a run, and isolate their errors."""
