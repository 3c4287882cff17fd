-- What begins, changes and ends, for those who watch. Nothing is written while nobody does. The xid tells a reader what
-- has become visible since the snapshot of its last look, exactly, whatever order transactions end in.

CREATE UNLOGGED TABLE execution_events (
    xid       xid8 NOT NULL DEFAULT pg_current_xact_id(),
    ids       bigint[],  -- of executions; null: too many to tell
    noted_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX execution_events_by_xid ON execution_events (xid);

-- Until when somebody watches; an API process says so again and again.
CREATE TABLE execution_watch (
    id     boolean PRIMARY KEY DEFAULT true CONSTRAINT execution_watch_one_row CHECK (id),
    until  timestamptz NOT NULL
);
