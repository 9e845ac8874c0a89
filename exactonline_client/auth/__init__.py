"""OAuth at Exact Online."""
