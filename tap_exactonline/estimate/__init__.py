"""Estimate the API calls of a run."""
