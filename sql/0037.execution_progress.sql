-- How far executions are that have run for more than a second: the worker that runs one says so, at most every second.
-- Nothing is lost with it: what counts is recorded at the end.
CREATE UNLOGGED TABLE execution_progress (
    execution_id  bigint PRIMARY KEY,
    progress      json NOT NULL,
    changed_at    timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);
