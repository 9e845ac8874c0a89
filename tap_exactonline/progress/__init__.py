"""Progress of a run: log lines, metrics, and a table on a terminal."""
