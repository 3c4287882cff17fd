-- transactional: false
-- Lists by a tag or a vote together with status, mode, workflow or project from an index.
--
-- A row of execution_tags repeats those four of its execution. Only status ever changes, and only executions that
-- were tagged pay for passing it on; what nobody annotated is in none of these indexes.

ALTER TABLE executions ADD COLUMN IF NOT EXISTS tagged boolean NOT NULL DEFAULT false;  -- has tags, or once had

ALTER TABLE execution_tags
    ADD COLUMN IF NOT EXISTS workflow_id text,
    ADD COLUMN IF NOT EXISTS project_id text,
    ADD COLUMN IF NOT EXISTS mode text,
    ADD COLUMN IF NOT EXISTS status text;

-- The lock keeps the status as it was read until the tag is there for pass_on_status to find.
CREATE OR REPLACE FUNCTION describe_tagged_execution() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT e.workflow_id, e.project_id, e.mode, e.status
      INTO NEW.workflow_id, NEW.project_id, NEW.mode, NEW.status
      FROM executions AS e
     WHERE e.id = NEW.execution_id
       FOR NO KEY UPDATE;
    UPDATE executions AS e SET tagged = true WHERE e.id = NEW.execution_id AND NOT e.tagged;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION pass_on_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE execution_tags AS et SET status = NEW.status WHERE et.execution_id = NEW.id;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER execution_tags_describe_execution
    BEFORE INSERT ON execution_tags
    FOR EACH ROW
    EXECUTE FUNCTION describe_tagged_execution();

CREATE OR REPLACE TRIGGER executions_pass_on_status
    AFTER UPDATE OF status ON executions
    FOR EACH ROW
    WHEN (NEW.tagged AND OLD.status <> NEW.status)
    EXECUTE FUNCTION pass_on_status();

UPDATE executions AS e
   SET tagged = true
 WHERE NOT e.tagged AND e.id = ANY(ARRAY(SELECT et.execution_id FROM execution_tags AS et WHERE et.status IS NULL));

-- Where a status changes meanwhile, the trigger was first, and the row has one by now.
UPDATE execution_tags AS et
   SET workflow_id = e.workflow_id, project_id = e.project_id, mode = e.mode, status = e.status
  FROM executions AS e
 WHERE e.id = et.execution_id AND et.status IS NULL;

-- A version knows the project it was saved in (those from before this may not), so that a list of a workflow in a
-- project that it never was in ends before it has looked at any execution.
ALTER TABLE workflow_versions ADD COLUMN IF NOT EXISTS project_id text;

UPDATE workflow_versions AS v
   SET project_id = w.project_id
  FROM workflows AS w
 WHERE w.id = v.workflow_id AND v.project_id IS NULL;

CREATE INDEX CONCURRENTLY execution_tags_of_mode
    ON execution_tags (tag_id, mode, status, execution_id);
CREATE INDEX CONCURRENTLY execution_tags_of_workflow
    ON execution_tags (tag_id, workflow_id, mode, status, execution_id);
CREATE INDEX CONCURRENTLY execution_tags_of_project
    ON execution_tags (tag_id, project_id, mode, status, execution_id);

CREATE INDEX CONCURRENTLY executions_voted_of_mode
    ON executions (vote, mode, status, id) WHERE vote IS NOT NULL;
CREATE INDEX CONCURRENTLY executions_voted_of_workflow
    ON executions (vote, workflow_id, mode, status, id) WHERE vote IS NOT NULL;
CREATE INDEX CONCURRENTLY executions_voted_of_project
    ON executions (vote, project_id, mode, status, id) WHERE vote IS NOT NULL;
