-- transactional: false
-- The modes that executions of n8n have besides. Nobody waits while the rows that are there are looked at.
ALTER TABLE executions
    DROP CONSTRAINT IF EXISTS executions_mode,
    ADD CONSTRAINT executions_mode CHECK
        (mode IN ('manual', 'trigger', 'webhook', 'retry', 'integrated', 'error', 'cli', 'chat', 'internal',
                  'evaluation', 'agent')) NOT VALID;

ALTER TABLE executions VALIDATE CONSTRAINT executions_mode;
