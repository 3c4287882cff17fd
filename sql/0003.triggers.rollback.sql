DROP TABLE webhook_answers, schedules, webhooks;
ALTER TABLE executions DROP COLUMN parent_id, DROP COLUMN awaited;
