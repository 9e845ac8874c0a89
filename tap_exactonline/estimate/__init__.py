"""What a run costs in calls."""
