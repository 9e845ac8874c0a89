"""Calls to the REST API and the XML API."""
