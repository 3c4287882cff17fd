-- transactional: false
-- What follows from many others and has not ended: of it there may be only so many in a project
-- (app/repository/lifecycle/creation.py).
CREATE INDEX CONCURRENTLY IF NOT EXISTS executions_deep ON executions (project_id)
 WHERE depth > 4 AND status IN ('new', 'running', 'waiting');
