"""The OData dialect of Exact Online."""
