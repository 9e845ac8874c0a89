"""What each stream is: endpoint, columns, keys and schema."""
