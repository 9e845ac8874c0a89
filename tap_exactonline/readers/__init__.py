"""Reading the partitions of a stream."""
