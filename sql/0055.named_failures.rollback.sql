ALTER TABLE execution_failures DROP COLUMN IF EXISTS problem_id;
