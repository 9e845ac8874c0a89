"""OData: query options, queries, bodies and answers."""
