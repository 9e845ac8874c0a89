"""Writing documents, each once."""
