"""The control API: time, faults, switches and state of a running sandbox."""
