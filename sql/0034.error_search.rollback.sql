-- transactional: false
DROP INDEX CONCURRENTLY executions_by_error;
DROP FUNCTION error_query(text);
DROP FUNCTION error_terms(bigint, text, text, text, text, text);
