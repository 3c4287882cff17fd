ALTER TABLE executions DROP COLUMN depth;
