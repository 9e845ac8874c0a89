"""The `exactonline` command."""
