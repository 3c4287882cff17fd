"""What a worker does beside running executions: schedules, pruning, deletions, notices of failures."""
