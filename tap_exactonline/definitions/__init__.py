"""Stream definitions: endpoint, columns, keys and schema."""
