"""Deleted rows."""
