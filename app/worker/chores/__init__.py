"""What a worker does beside running executions: one `Chore` each, all of them listed in the roster."""
