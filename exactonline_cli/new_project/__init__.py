"""A new Meltano project: what can be chosen, and the files that are written."""
