"""The rules of business: what the server fills in, refuses, and does next."""
