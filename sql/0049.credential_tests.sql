-- Tests of credentials whose types prove themselves by code of their package, which the API has not got. Whoever asks
-- waits a few seconds for what the worker that takes one says, and takes the row away; nothing secret is in it.
CREATE TABLE credential_tests (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    credential_id  text NOT NULL,
    project_id     text NOT NULL,
    type           text NOT NULL,
    worker_id      bigint,          -- who does it; it is not done again when that worker is lost
    done_at        timestamptz,
    problem        text,            -- why the service does not take the credential
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp()
);
