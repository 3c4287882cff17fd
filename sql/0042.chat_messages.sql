-- What was said in the chats of workflows, as the memories of AI nodes keep it: on every worker the same. A session is
-- known by the hash of its key. `message` is JSON of the package that wrote it, `size` its length in bytes.
CREATE TABLE chat_messages (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workflow_id     text NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    session_sha256  bytea NOT NULL,
    message         text NOT NULL,
    size            integer NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX chat_messages_by_session ON chat_messages (workflow_id, session_sha256, id DESC) INCLUDE (size);
CREATE INDEX chat_messages_by_workflow ON chat_messages (workflow_id, id DESC) INCLUDE (size);
