-- transactional: false
DROP INDEX CONCURRENTLY IF EXISTS executions_of_problem;
ALTER TABLE executions DROP COLUMN IF EXISTS problem_id;
DROP TABLE IF EXISTS problem_versions, problem_hours, problems, mended_failures, execution_failures;
