-- transactional: false
CREATE INDEX CONCURRENTLY executions_by_error
    ON executions USING gin (error_terms(id, workflow_id, project_id, mode, status, error_message))
    WITH (gin_pending_list_limit = 64)
    WHERE error_message IS NOT NULL;
DROP TRIGGER execution_failures_pass_on ON execution_failures;
DROP FUNCTION pass_on_failures;
DROP TABLE failures_to_index;
DROP TABLE failure_words;
DROP FUNCTION error_words(text);
