-- The span of whoever called for an execution (W3C Trace Context), where traces are wanted: its spans go below that one.
ALTER TABLE execution_inputs ADD COLUMN IF NOT EXISTS traceparent text;
