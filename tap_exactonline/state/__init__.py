"""Singer state: bookmarks and when they hold."""
