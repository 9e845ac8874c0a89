"""Loads of the tap into a warehouse, compared with the sandbox's own rows."""
