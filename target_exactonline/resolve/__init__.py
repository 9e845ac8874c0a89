"""Codes become keys."""
