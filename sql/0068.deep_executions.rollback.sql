DROP INDEX executions_deep;
