"""Singer tap: reads Exact Online."""
