-- transactional: false
DROP INDEX CONCURRENTLY IF EXISTS executions_queued;
