-- transactional: false
-- What the engine room and the list of problems read, whatever there is of other projects, states and past workers.
CREATE INDEX CONCURRENTLY IF NOT EXISTS retry_jobs_of_project ON retry_jobs (project_id, id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS deletion_jobs_of_project ON deletion_jobs (project_id, id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS problems_of_status ON problems (status, last_seen_at, id);
CREATE INDEX CONCURRENTLY IF NOT EXISTS workers_stopped ON workers (stopped_at) WHERE stopped_at IS NOT NULL;
