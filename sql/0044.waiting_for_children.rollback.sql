-- Executions that wait for a sub-workflow go on at once, and fail where it has not ended.
UPDATE executions SET resume_on = NULL, wait_till = clock_timestamp() WHERE resume_on = 'child';

DROP INDEX executions_waiting_for;

ALTER TABLE executions
    DROP COLUMN waits_for,
    DROP CONSTRAINT executions_resume_on,
    ADD CONSTRAINT executions_resume_on CHECK (resume_on IN ('webhook'));
