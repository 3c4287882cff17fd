-- The problem that a failure was said to belong to when it failed: what was named is added up without a look at its
-- message.
ALTER TABLE execution_failures ADD COLUMN IF NOT EXISTS problem_id bigint;
