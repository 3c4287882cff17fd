DROP TABLE execution_progress;
