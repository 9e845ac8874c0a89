"""Group several records into documents."""
