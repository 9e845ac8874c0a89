"""HTTP calls to Exact Online: session, limits, pagination."""
