"""Check an account without changing it: what `exactonline doctor` asks, and how it judges."""
