-- What forms ask of a node type's package: which choices there are for a parameter. A worker that has the package
-- answers. Whoever asks waits for less than a minute, and takes the row away; nothing of what credentials hold is in it.
CREATE TABLE node_questions (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id  text NOT NULL,
    type        text NOT NULL,     -- of the node
    question    bytea NOT NULL,    -- JSON: see app/packages/choices.py
    worker_id   bigint,            -- who answers; it is not asked again when that worker is lost
    done_at     timestamptz,
    answer      bytea,             -- JSON, none where there is a problem
    problem     text,              -- why there is no answer
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
