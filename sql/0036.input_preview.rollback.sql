ALTER TABLE executions DROP COLUMN input_preview;
