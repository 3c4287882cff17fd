-- transactional: false
-- Waits by project: those that are over, of projects that run little, are found whatever else waits.
CREATE INDEX CONCURRENTLY IF NOT EXISTS executions_waiting_of_project ON executions (project_id, wait_till)
    WHERE status = 'waiting';
