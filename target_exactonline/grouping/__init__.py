"""Documents from several records."""
