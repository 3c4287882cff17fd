-- What a workflow keeps from one execution to the next.

-- Static data: one row for what all of the workflow shares (`global`) and one for each node that keeps something
-- (`node:<its name>`), so that executions that run at once and change different ones do not undo each other.
CREATE TABLE workflow_static_data (
    workflow_id  text NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    scope        text NOT NULL,
    data         json NOT NULL,
    updated_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workflow_id, scope)
);

-- Until now it stood in the document of each version.
INSERT INTO workflow_static_data (workflow_id, scope, data)
SELECT w.id, kept.key, kept.value
  FROM workflows AS w
  JOIN workflow_versions AS v ON v.id = w.version_id
 CROSS JOIN LATERAL json_each(CASE WHEN json_typeof(v.definition -> 'staticData') = 'object'
                                   THEN v.definition -> 'staticData' END) AS kept;

-- What Remove Duplicates has seen in earlier executions: the values themselves, or the highest of them. Its row is
-- the lock that lets one execution at a time decide what is new.
CREATE TABLE deduplication_histories (
    workflow_id  text NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    scope        text NOT NULL,   -- `workflow`, or `node:<its id>`
    kind         text NOT NULL CONSTRAINT deduplication_histories_kind CHECK (kind IN ('values', 'number', 'date')),
    size         integer NOT NULL DEFAULT 0,
    highest      double precision,  -- a number, or a time in milliseconds since 1970
    PRIMARY KEY (workflow_id, scope)
);

CREATE TABLE deduplication_values (
    workflow_id   text NOT NULL,
    scope         text NOT NULL,
    value_sha256  bytea NOT NULL CONSTRAINT deduplication_values_are_sha256 CHECK (octet_length(value_sha256) = 32),
    PRIMARY KEY (workflow_id, scope, value_sha256),
    CONSTRAINT deduplication_values_history FOREIGN KEY (workflow_id, scope)
        REFERENCES deduplication_histories (workflow_id, scope) ON DELETE CASCADE
);
