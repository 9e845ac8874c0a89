"""Which divisions a run reads, and what it could not read of them."""
