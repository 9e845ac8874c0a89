"""Signing in: the steps, and the page that shows them."""
