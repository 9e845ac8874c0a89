"""The outcome of each record."""
