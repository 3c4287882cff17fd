-- transactional: false
-- The calls of one project, newest first: only so many of them are known (app/repository/bulk_calls.py).
CREATE INDEX CONCURRENTLY IF NOT EXISTS bulk_calls_of_project ON bulk_calls (coalesce(project_id, ''), id);
