-- Retries of more executions than one call should wait for; workers queue them in small steps.
CREATE TABLE retry_jobs (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id     text,               -- what the key that asked for it is limited to
    wanted         json NOT NULL,      -- the filter
    load_workflow  boolean NOT NULL,
    retry_from     json,               -- as in execution_inputs
    matched        bigint,             -- how many matched when it was asked for; null: more than were counted
    above          bigint NOT NULL,    -- what is left to look at has a lower id: from the newest to the oldest
    retried        bigint NOT NULL DEFAULT 0,
    refused        bigint NOT NULL DEFAULT 0,
    created_at     timestamptz NOT NULL DEFAULT now(),
    finished_at    timestamptz
);

CREATE INDEX retry_jobs_unfinished ON retry_jobs (id) WHERE finished_at IS NULL;
CREATE INDEX retry_jobs_by_age ON retry_jobs (finished_at);

-- What became of each: its retry, or why there is none.
CREATE TABLE retry_job_results (
    job_id        bigint NOT NULL REFERENCES retry_jobs (id) ON DELETE CASCADE,
    execution_id  bigint NOT NULL,
    retry_id      bigint,
    message       text,
    PRIMARY KEY (job_id, execution_id),
    CONSTRAINT retry_job_results_says_something CHECK (num_nonnulls(retry_id, message) = 1)
);
