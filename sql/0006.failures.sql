-- Notices of failed executions that are still to be sent to EXECUTIONS_FAILURE_WEBHOOK. A trigger writes them, so that
-- no way of ending an execution can forget to, and none is written where nobody would send it.

ALTER TABLE workers ADD COLUMN sends_notices boolean NOT NULL DEFAULT false;

-- A notice holds all that it says: the execution may be gone when it is sent.
CREATE TABLE failure_notices (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    execution_id     bigint NOT NULL,
    workflow_id      text NOT NULL,
    workflow_name    text NOT NULL,
    project_id       text NOT NULL,
    status           text NOT NULL,
    mode             text NOT NULL,
    error_node       text,
    error_message    text,
    started_at       timestamptz,
    stopped_at       timestamptz,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempts         integer NOT NULL DEFAULT 0,
    next_attempt_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX failure_notices_due ON failure_notices (next_attempt_at);

CREATE FUNCTION note_failure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO failure_notices (execution_id, workflow_id, workflow_name, project_id, status, mode, error_node,
                                 error_message, started_at, stopped_at)
    SELECT NEW.id, NEW.workflow_id, v.name, NEW.project_id, NEW.status, NEW.mode, NEW.error_node,
           NEW.error_message, NEW.started_at, NEW.stopped_at
      FROM workflow_versions AS v
     WHERE v.id = NEW.workflow_version_id
       AND EXISTS (SELECT FROM workers AS w WHERE w.sends_notices AND w.stopped_at IS NULL);
    RETURN NULL;
END $$;

CREATE TRIGGER executions_note_failure
    AFTER UPDATE OF status ON executions
    FOR EACH ROW
    WHEN (NEW.status IN ('error', 'crashed') AND OLD.status <> NEW.status)
    EXECUTE FUNCTION note_failure();
