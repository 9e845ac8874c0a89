"""Map records to documents."""
