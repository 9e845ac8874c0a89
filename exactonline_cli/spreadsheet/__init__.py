"""Spreadsheets as people keep them, and the documents in them."""
