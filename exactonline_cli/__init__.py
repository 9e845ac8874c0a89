"""The front door: the `exactonline` command."""
