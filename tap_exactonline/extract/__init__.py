"""Queries and the rows that answer them."""
