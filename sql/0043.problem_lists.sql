-- transactional: false
-- The failures of a problem by mode and status, newest first: a list of those with one of them reads no others.
CREATE INDEX CONCURRENTLY IF NOT EXISTS executions_by_problem ON executions (problem_id, mode, status, id)
    WHERE problem_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS executions_of_problem;
