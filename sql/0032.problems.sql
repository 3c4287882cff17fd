-- transactional: false
-- Failures by what they have in common: workflow, node, and message without what differs from one to the next.
-- Whoever ends executions appends the failures among them, in the same transaction, and waits for nobody. A chore of
-- workers takes their messages apart and adds them up.

CREATE TABLE IF NOT EXISTS execution_failures (
    execution_id  bigint NOT NULL,
    project_id    text NOT NULL,
    workflow_id   text NOT NULL,
    version_id    uuid NOT NULL,
    node          text,
    message       text,
    failed_at     timestamptz NOT NULL
);

-- Failures for which a retry has succeeded.
CREATE TABLE IF NOT EXISTS mended_failures (
    execution_id  bigint NOT NULL
);

CREATE TABLE IF NOT EXISTS problems (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id         text NOT NULL,
    workflow_id        text NOT NULL,
    node               text NOT NULL,       -- empty: no node's, or any
    pattern            text NOT NULL,       -- the message without what differs; empty: any other
    message            text NOT NULL,       -- as it was last
    status             text NOT NULL DEFAULT 'open'
                       CONSTRAINT problems_status CHECK (status IN ('open', 'handled', 'muted')),
    number             bigint NOT NULL,
    mended             bigint NOT NULL DEFAULT 0,
    first_seen_at      timestamptz NOT NULL,
    last_seen_at       timestamptz NOT NULL,
    last_execution_id  bigint NOT NULL,
    newest_version_at  timestamptz NOT NULL  -- when the newest version that had it was saved
) WITH (fillfactor = 70);

CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS problems_by_what_they_are
    ON problems (project_id, workflow_id, node, md5(pattern));
CREATE INDEX CONCURRENTLY IF NOT EXISTS problems_by_last_seen ON problems (last_seen_at, id);

CREATE TABLE IF NOT EXISTS problem_hours (
    problem_id  bigint NOT NULL REFERENCES problems (id) ON DELETE CASCADE,
    hour        timestamptz NOT NULL,
    number      bigint NOT NULL,
    PRIMARY KEY (problem_id, hour)
) WITH (fillfactor = 70);

CREATE TABLE IF NOT EXISTS problem_versions (
    problem_id    bigint NOT NULL REFERENCES problems (id) ON DELETE CASCADE,
    version_id    uuid NOT NULL,
    number        bigint NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    PRIMARY KEY (problem_id, version_id)
) WITH (fillfactor = 70);

-- Which problem a failure belongs to, once that is known.
ALTER TABLE executions ADD COLUMN IF NOT EXISTS problem_id bigint;

CREATE INDEX CONCURRENTLY IF NOT EXISTS executions_of_problem ON executions (problem_id, id)
    WHERE problem_id IS NOT NULL;
