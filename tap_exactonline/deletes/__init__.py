"""Detect deleted rows, by Exact's log or by comparing keys."""
