-- How many executions an execution is below: those that started it as their sub-workflow or as their error workflow.
ALTER TABLE executions ADD COLUMN depth smallint NOT NULL DEFAULT 0;
