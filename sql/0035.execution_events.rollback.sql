DROP TABLE execution_watch, execution_events;
