DROP TABLE webhook_answers, schedules, webhooks;
ALTER TABLE execution_inputs DROP COLUMN resume_items;
ALTER TABLE executions DROP COLUMN parent_id, DROP COLUMN awaited;
