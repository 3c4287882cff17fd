-- transactional: false
DROP INDEX CONCURRENTLY IF EXISTS executions_waiting_of_project;
