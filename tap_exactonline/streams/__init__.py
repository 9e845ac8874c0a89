"""Streams of the Singer SDK."""
