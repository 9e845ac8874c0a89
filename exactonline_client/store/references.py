"""References of documents, as the store can hold them; imports no database."""

LONGEST_REFERENCE = 200
"""Characters of a reference that the store can hold."""
