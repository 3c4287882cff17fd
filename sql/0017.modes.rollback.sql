-- Executions with one of the modes that go away get the mode that comes closest.
UPDATE executions SET mode = 'webhook' WHERE mode = 'chat';
UPDATE executions SET mode = 'trigger' WHERE mode = 'internal';
UPDATE executions SET mode = 'manual' WHERE mode = 'evaluation';
UPDATE executions SET mode = 'integrated' WHERE mode = 'agent';

ALTER TABLE executions
    DROP CONSTRAINT executions_mode,
    ADD CONSTRAINT executions_mode CHECK
        (mode IN ('manual', 'trigger', 'webhook', 'retry', 'integrated', 'error', 'cli'));
