"""Shared by both Singer plugins; the only subpackage that imports the Singer SDK."""
