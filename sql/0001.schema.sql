-- The data model of the Executions API.
-- A row of `executions` is both the record of a run and its place in the queue: state and queue
-- can never disagree. CHECK constraints guard the state machine; partial indexes serve what is hot.

CREATE TABLE projects (
    id          text PRIMARY KEY CONSTRAINT projects_id_not_empty CHECK (id <> ''),
    name        text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

INSERT INTO projects (id, name) VALUES ('default', 'Default project');

-- A key is shown once, when it is made; only its SHA-256 is kept.
CREATE TABLE api_keys (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    label         text NOT NULL,
    key_sha256    bytea NOT NULL
                  CONSTRAINT api_keys_key_is_unique UNIQUE
                  CONSTRAINT api_keys_key_is_sha256 CHECK (octet_length(key_sha256) = 32),
    scopes        text[] NOT NULL,
    project_id    text REFERENCES projects (id) ON DELETE CASCADE,
    created_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz,
    last_used_at  timestamptz,
    revoked_at    timestamptz
);

-- One kind of tag for executions (annotations) and workflows.
CREATE TABLE tags (
    id          text PRIMARY KEY CONSTRAINT tags_id_not_empty CHECK (id <> ''),
    name        text NOT NULL CONSTRAINT tags_name_is_unique UNIQUE,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

-- What a workflow was at one save. Stored once per version, never once per execution; `definition`
-- is n8n's document (nodes, connections, settings, pinData, and whatever else the file held).
CREATE TABLE workflow_versions (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    workflow_id  text NOT NULL,
    name         text NOT NULL,
    definition   json NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT workflow_versions_belong_to_one_workflow UNIQUE (workflow_id, id)
);

CREATE TABLE workflows (
    id          text PRIMARY KEY CONSTRAINT workflows_id_not_empty CHECK (id <> ''),
    project_id  text NOT NULL REFERENCES projects (id),
    version_id  uuid NOT NULL,
    active      boolean NOT NULL DEFAULT false,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT workflows_current_version FOREIGN KEY (id, version_id) REFERENCES workflow_versions (workflow_id, id)
);

CREATE INDEX workflows_by_project ON workflows (project_id, id);

CREATE TABLE workflow_tags (
    workflow_id  text NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    tag_id       text NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
    PRIMARY KEY (workflow_id, tag_id)
);

CREATE INDEX workflow_tags_by_tag ON workflow_tags (tag_id, workflow_id);

-- A worker proves life by its heartbeat; once stopped_at is set it may claim and finish nothing.
CREATE TABLE workers (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hostname      text NOT NULL,
    pid           integer NOT NULL,
    concurrency   integer NOT NULL,
    started_at    timestamptz NOT NULL DEFAULT now(),
    heartbeat_at  timestamptz NOT NULL DEFAULT now(),
    stopped_at    timestamptz
);

CREATE INDEX workers_alive ON workers (heartbeat_at) WHERE stopped_at IS NULL;

CREATE TABLE executions (
    id                   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workflow_id          text NOT NULL,
    workflow_version_id  uuid NOT NULL,
    project_id           text NOT NULL REFERENCES projects (id),
    status               text NOT NULL DEFAULT 'new',
    mode                 text NOT NULL,
    created_at           timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at           timestamptz,
    stopped_at           timestamptz,
    wait_till            timestamptz,  -- waiting until this time,
    resume_on            text,         -- or until this happens
    worker_id            bigint,       -- who runs it, or ran it last
    retry_of             bigint,
    retry_success_id     bigint,
    vote                 text,
    error_node           text,
    error_message        text,
    json_size_bytes      bigint NOT NULL DEFAULT 0,

    CONSTRAINT executions_workflow_version FOREIGN KEY (workflow_id, workflow_version_id)
        REFERENCES workflow_versions (workflow_id, id),
    CONSTRAINT executions_status CHECK
        (status IN ('new', 'running', 'waiting', 'success', 'error', 'canceled', 'crashed')),
    CONSTRAINT executions_mode CHECK
        (mode IN ('manual', 'trigger', 'webhook', 'retry', 'integrated', 'error', 'cli')),
    CONSTRAINT executions_vote CHECK (vote IN ('up', 'down')),
    CONSTRAINT executions_resume_on CHECK (resume_on IN ('webhook')),
    CONSTRAINT executions_ended_has_stopped_at CHECK
        ((stopped_at IS NOT NULL) = (status IN ('success', 'error', 'canceled', 'crashed'))),
    CONSTRAINT executions_new_is_untouched CHECK
        (status <> 'new' OR (started_at IS NULL AND worker_id IS NULL)),
    CONSTRAINT executions_running_has_worker CHECK
        (status <> 'running' OR (worker_id IS NOT NULL AND started_at IS NOT NULL)),
    CONSTRAINT executions_waiting_has_condition CHECK
        ((status = 'waiting') = (wait_till IS NOT NULL OR resume_on IS NOT NULL)),
    CONSTRAINT executions_success_has_no_error CHECK
        (status <> 'success' OR error_message IS NULL),
    CONSTRAINT executions_retry_names_its_original CHECK
        (mode <> 'retry' OR retry_of IS NOT NULL)
) WITH (fillfactor = 85);

-- Lists: newest first within a status, a workflow, a project, a mode. The queue is status = 'new'.
CREATE INDEX executions_by_status ON executions (status, id);
CREATE INDEX executions_by_workflow ON executions (workflow_id, id);
CREATE INDEX executions_by_project ON executions (project_id, id);
CREATE INDEX executions_by_mode ON executions (mode, id);

-- Few rows at any time: what runs, what waits, what was annotated, what is a retry.
CREATE INDEX executions_running ON executions (worker_id) WHERE status = 'running';
CREATE INDEX executions_waiting ON executions (wait_till) WHERE status = 'waiting';
CREATE INDEX executions_by_vote ON executions (vote, id) WHERE vote IS NOT NULL;
CREATE INDEX executions_by_retry_of ON executions (retry_of, id) WHERE retry_of IS NOT NULL;
CREATE UNIQUE INDEX executions_one_retry_in_flight ON executions (retry_of)
    WHERE retry_of IS NOT NULL AND status IN ('new', 'running', 'waiting');

-- What an execution was started with, when somebody said it; the trigger's own data otherwise.
CREATE TABLE execution_inputs (
    execution_id  bigint PRIMARY KEY REFERENCES executions (id) ON DELETE CASCADE,
    start_node    text,
    items         json
);

-- What an execution produced, in n8n's shape; written by the worker, passed on unparsed.
CREATE TABLE execution_data (
    execution_id  bigint PRIMARY KEY REFERENCES executions (id) ON DELETE CASCADE,
    data          json NOT NULL
);

CREATE TABLE execution_tags (
    execution_id  bigint NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
    tag_id        text NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
    PRIMARY KEY (execution_id, tag_id)
);

CREATE INDEX execution_tags_by_tag ON execution_tags (tag_id, execution_id);

-- $execution.customData of a run, to filter by.
CREATE TABLE execution_metadata (
    execution_id  bigint NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
    key           text NOT NULL,
    value         text NOT NULL,
    PRIMARY KEY (execution_id, key)
);

CREATE INDEX execution_metadata_by_value ON execution_metadata (key, md5(value), execution_id);

-- The first answer to a call that carried an Idempotency-Key, kept for 24 hours.
CREATE TABLE idempotency_keys (
    api_key_id      bigint NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    key             text NOT NULL,
    request_sha256  bytea NOT NULL,
    response        bytea,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (api_key_id, key)
);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- Running totals for /metrics. Each worker adds to rows of its own (the API to those of counted_by 0),
-- so that nobody waits for anybody; a reader adds them up.
CREATE TABLE counters (
    counted_by  bigint NOT NULL,
    name        text NOT NULL,
    labels      text NOT NULL DEFAULT '{}',
    value       double precision NOT NULL,
    PRIMARY KEY (counted_by, name, labels)
) WITH (fillfactor = 50);
