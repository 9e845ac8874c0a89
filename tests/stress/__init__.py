"""Programs that try to break what must hold, and print figures: `python -m tests.stress`."""
