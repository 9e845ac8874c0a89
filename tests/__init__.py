"""The tests, and the stress programs among them."""
