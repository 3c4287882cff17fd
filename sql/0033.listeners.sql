-- Triggers with a connection of their own: exactly one worker holds each, for as long as that worker lives.
CREATE TABLE listeners (
    workflow_id  text NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    node         text NOT NULL,
    worker_id    bigint,       -- who listens; it is free when that worker is lost
    taken_at     timestamptz,
    PRIMARY KEY (workflow_id, node)
);

CREATE INDEX listeners_held ON listeners (worker_id) WHERE worker_id IS NOT NULL;

-- Whether it takes its share of them: it does not once it is about to go.
ALTER TABLE workers ADD COLUMN listens boolean NOT NULL DEFAULT false;
