"""Durable state shared by all processes."""
