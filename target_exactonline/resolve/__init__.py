"""Resolve codes and names to keys, and create missing rows."""
