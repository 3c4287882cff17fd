-- transactional: false
-- Executions that wait for a sub-workflow of theirs, which waits itself. Nobody waits while the rows that are there are
-- looked at.
ALTER TABLE executions
    ADD COLUMN IF NOT EXISTS waits_for bigint,  -- the sub-workflow's execution that it waits for, or last waited for
    DROP CONSTRAINT IF EXISTS executions_resume_on,
    ADD CONSTRAINT executions_resume_on CHECK (resume_on IN ('webhook', 'child')) NOT VALID;

ALTER TABLE executions VALIDATE CONSTRAINT executions_resume_on;

DROP INDEX CONCURRENTLY IF EXISTS executions_waiting_for;
CREATE INDEX CONCURRENTLY executions_waiting_for ON executions (waits_for)
    WHERE status = 'waiting' AND waits_for IS NOT NULL;
