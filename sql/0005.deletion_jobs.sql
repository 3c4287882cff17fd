-- Deletions of more executions than one call should wait for; workers do them in small steps.
CREATE TABLE deletion_jobs (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id   text,             -- what the key that asked for it is limited to
    wanted       json NOT NULL,    -- the filter
    above        bigint NOT NULL,  -- what is left to look at has a lower id: the job goes from the newest to the oldest
    deleted      bigint NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz
);

CREATE INDEX deletion_jobs_unfinished ON deletion_jobs (id) WHERE finished_at IS NULL;
CREATE INDEX deletion_jobs_by_age ON deletion_jobs (finished_at);
