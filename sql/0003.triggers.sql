-- What starts executions by itself: webhooks and schedules of active workflows, kept in step with the
-- workflow's current version by the transaction that activates, saves or deactivates it.

CREATE TABLE webhooks (
    workflow_id  text NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    node         text NOT NULL,
    method       text NOT NULL,
    path         text NOT NULL,   -- as people see it: orders/:id
    webhook_id   text,            -- what stands before a path with parameters; null for a plain path
    pattern      text NOT NULL,   -- the path with its parameters as `:`: orders/:
    settings     json NOT NULL,   -- how to answer, whom to let in
    PRIMARY KEY (workflow_id, node, method)
);

-- One answer to a call: two active workflows cannot share a method and a path.
CREATE UNIQUE INDEX webhooks_path_is_free ON webhooks (method, pattern, coalesce(webhook_id, ''));
CREATE INDEX webhooks_by_webhook_id ON webhooks (webhook_id) WHERE webhook_id IS NOT NULL;
CREATE INDEX webhooks_by_pattern ON webhooks (pattern);

CREATE TABLE schedules (
    workflow_id  text NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    node         text NOT NULL,
    rule         json NOT NULL,        -- one rule of the node, with its timezone
    rule_index   integer NOT NULL,
    next_at      timestamptz NOT NULL,
    last_at      timestamptz,
    PRIMARY KEY (workflow_id, node, rule_index)
);

CREATE INDEX schedules_due ON schedules (next_at);

-- Somebody waits for the end of this execution: its worker says so when it has ended.
ALTER TABLE executions ADD COLUMN awaited boolean NOT NULL DEFAULT false;

-- The execution that started this one: a sub-workflow's parent, an error workflow's failed execution.
ALTER TABLE executions ADD COLUMN parent_id bigint;

-- What a call brought that ended a wait.
ALTER TABLE execution_inputs ADD COLUMN resume_items json;

-- What a webhook's caller gets, as soon as its workflow has said it. It outlives an execution whose
-- workflow keeps nothing, and is dropped after an hour.
CREATE TABLE webhook_answers (
    execution_id  bigint PRIMARY KEY,
    answer        json NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX webhook_answers_by_age ON webhook_answers (created_at);
