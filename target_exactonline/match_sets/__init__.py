"""Matching payments with invoices."""
