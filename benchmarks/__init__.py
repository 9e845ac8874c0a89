"""Programs that measure; to be run and read, not asserted in tests."""
