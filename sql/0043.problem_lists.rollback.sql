-- transactional: false
CREATE INDEX CONCURRENTLY IF NOT EXISTS executions_of_problem ON executions (problem_id, id)
    WHERE problem_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS executions_by_problem;
