-- Which executions a call that changes many of them has touched, so that exactly these can be listed afterwards.
CREATE TABLE bulk_calls (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id  text,               -- what the key that called is limited to
    made_at     timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX bulk_calls_by_age ON bulk_calls (made_at);

CREATE TABLE bulk_call_executions (
    call_id       bigint NOT NULL REFERENCES bulk_calls (id) ON DELETE CASCADE,
    execution_id  bigint NOT NULL,
    PRIMARY KEY (call_id, execution_id)
);

ALTER TABLE retry_jobs ADD COLUMN bulk_call_id bigint;  -- null: made before this was noted
CREATE INDEX retry_jobs_by_call ON retry_jobs (bulk_call_id);
