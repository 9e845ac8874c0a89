"""Calls to Exact Online: sessions, limits, pages."""
