ALTER TABLE execution_inputs DROP COLUMN traceparent;
