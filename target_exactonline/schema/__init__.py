"""What can be written: entities, fields and values."""
