"""Durable state that all processes share."""
