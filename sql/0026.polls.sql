-- Triggers that look for something new again and again. A schedule asks for the next look; one worker at a time takes it.
CREATE TABLE polls (
    workflow_id  text NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    node         text NOT NULL,
    due_at       timestamptz,  -- since when somebody is to look; null: nobody is
    worker_id    bigint,       -- who looks now: it is due again when that worker is lost
    started_at   timestamptz,
    PRIMARY KEY (workflow_id, node)
);

CREATE INDEX polls_due ON polls (due_at) WHERE due_at IS NOT NULL;
