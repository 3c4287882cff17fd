ALTER TABLE retry_jobs DROP COLUMN bulk_call_id;
DROP TABLE bulk_call_executions, bulk_calls;
