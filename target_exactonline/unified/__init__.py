"""The unified shape: documents in names that do not depend on Exact Online."""
