"""What a worker does beside running executions: beat, schedules, pruning, deletions, notices of failures."""
