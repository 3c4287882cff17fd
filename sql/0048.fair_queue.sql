-- transactional: false
-- The queue by project: a claim takes from each project in turn, however long the queue of another one is.
CREATE INDEX CONCURRENTLY IF NOT EXISTS executions_queued ON executions (project_id, id) WHERE status = 'new';
