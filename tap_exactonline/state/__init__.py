"""Singer state: bookmarks, their validity, and state messages."""
