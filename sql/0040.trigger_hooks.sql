-- What packages' triggers arrange with their providers: a webhook is made there when its workflow becomes active, and
-- taken away when it is not any more. One worker does it; whoever activates waits for that.
CREATE TABLE trigger_hooks (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workflow_id  text NOT NULL,
    node         text NOT NULL,
    action       text NOT NULL CONSTRAINT trigger_hooks_action CHECK (action IN ('create', 'delete')),
    version_id   uuid NOT NULL,
    urls         json NOT NULL,   -- where each of the node's webhooks is called, by name
    worker_id    bigint,          -- who does it; it is done again when that worker is lost
    done_at      timestamptz,
    error        text,            -- what the provider, or the node, has said when it failed
    created_at   timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX trigger_hooks_due ON trigger_hooks (id) WHERE done_at IS NULL;
