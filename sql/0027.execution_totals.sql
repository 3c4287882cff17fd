-- How many executions ended and how long they took, by minute, hour and day, so that nobody has to count executions.
-- Whoever ends executions appends to execution_ends, in the same transaction, and waits for nobody. A chore of workers
-- adds that up in execution_totals. Deleting executions changes neither: what has happened, has.

-- Bucket i holds durations above 1.1^(i-1) and up to 1.1^i milliseconds, 0 those up to one; -1 what never started. Any
-- duration in a bucket is within 4.8 percent of the bucket's middle, 2 * 1.1^i / 2.1.
CREATE FUNCTION duration_bucket(started timestamptz, stopped timestamptz) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN started IS NULL THEN -1
            ELSE ceil(ln(greatest(extract(epoch FROM stopped - started)::float8 * 1000, 1)) / ln(1.1::float8))
       END::smallint;

CREATE TABLE execution_ends (
    minute       timestamptz NOT NULL,
    project_id   text NOT NULL,
    workflow_id  text NOT NULL,
    mode         text NOT NULL,
    status       text NOT NULL,
    bucket       smallint NOT NULL,
    number       integer NOT NULL
);

-- The numbers of durations by bucket are the sketch; together they are how many executions ended.
CREATE TABLE execution_totals (
    unit         text NOT NULL CONSTRAINT execution_totals_unit CHECK (unit IN ('minute', 'hour', 'day')),
    begins_at    timestamptz NOT NULL,  -- in UTC
    workflow_id  text NOT NULL,
    mode         text NOT NULL,
    status       text NOT NULL,
    project_id   text NOT NULL,
    buckets      smallint[] NOT NULL,
    numbers      bigint[] NOT NULL,
    PRIMARY KEY (unit, begins_at, workflow_id, mode, status, project_id)
) WITH (fillfactor = 70);

CREATE INDEX execution_totals_of_workflow ON execution_totals (workflow_id, unit, begins_at);

-- What had ended before anybody counted: executions below this id are still to be added, newest first. The first worker
-- that counts by itself says when that was.
CREATE TABLE execution_backfill (
    id            boolean PRIMARY KEY DEFAULT true CONSTRAINT execution_backfill_one_row CHECK (id),
    below         bigint,
    ended_before  timestamptz
);

INSERT INTO execution_backfill (id) SELECT true WHERE EXISTS (SELECT FROM executions);
