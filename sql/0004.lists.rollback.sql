-- transactional: false
CREATE INDEX CONCURRENTLY executions_by_status ON executions (status, id);
CREATE INDEX CONCURRENTLY executions_by_workflow ON executions (workflow_id, id);
CREATE INDEX CONCURRENTLY executions_by_project ON executions (project_id, id);
CREATE INDEX CONCURRENTLY executions_by_mode ON executions (mode, id);
CREATE INDEX CONCURRENTLY executions_running ON executions (worker_id) WHERE status = 'running';
DROP INDEX CONCURRENTLY executions_of_mode;
DROP INDEX CONCURRENTLY executions_of_workflow;
DROP INDEX CONCURRENTLY executions_of_project;
DROP INDEX CONCURRENTLY executions_in_flight;
DROP INDEX CONCURRENTLY executions_started_late;
DROP FUNCTION first_execution_started_after, first_execution_created_from;
