"""Read the partitions of a stream; one reader per type of list."""
