"""Schema of what can be written: entities, fields, references and values."""
