"""Query lists, decode rows, and run readers in threads."""
