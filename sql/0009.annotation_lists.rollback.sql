-- transactional: false
DROP INDEX CONCURRENTLY executions_voted_of_project;
DROP INDEX CONCURRENTLY executions_voted_of_workflow;
DROP INDEX CONCURRENTLY executions_voted_of_mode;
ALTER TABLE workflow_versions DROP COLUMN project_id;
DROP TRIGGER executions_pass_on_status ON executions;
DROP TRIGGER execution_tags_describe_execution ON execution_tags;
DROP FUNCTION pass_on_status;
DROP FUNCTION describe_tagged_execution;
ALTER TABLE execution_tags DROP COLUMN status, DROP COLUMN mode, DROP COLUMN project_id, DROP COLUMN workflow_id;
ALTER TABLE executions DROP COLUMN tagged;
