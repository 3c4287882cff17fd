-- transactional: false
-- Lists of the failures of a problem that carry a tag, from an index: a row of execution_tags repeats the problem of its
-- execution, too. Only executions that were tagged pay for passing it on.
ALTER TABLE execution_tags ADD COLUMN IF NOT EXISTS problem_id bigint;

-- The lock keeps what was read until the tag is there for pass_on_status to find.
CREATE OR REPLACE FUNCTION describe_tagged_execution() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT e.workflow_id, e.project_id, e.mode, e.status, e.problem_id
      INTO NEW.workflow_id, NEW.project_id, NEW.mode, NEW.status, NEW.problem_id
      FROM executions AS e
     WHERE e.id = NEW.execution_id
       FOR NO KEY UPDATE;
    UPDATE executions AS e SET tagged = true WHERE e.id = NEW.execution_id AND NOT e.tagged;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION pass_on_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE execution_tags AS et SET status = NEW.status, problem_id = NEW.problem_id WHERE et.execution_id = NEW.id;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER executions_pass_on_status
    AFTER UPDATE OF status, problem_id ON executions
    FOR EACH ROW
    WHEN (NEW.tagged AND (OLD.status <> NEW.status OR OLD.problem_id IS DISTINCT FROM NEW.problem_id))
    EXECUTE FUNCTION pass_on_status();

-- Where a problem is named meanwhile, the trigger was first, and the row has it by now.
UPDATE execution_tags AS et
   SET problem_id = e.problem_id
  FROM executions AS e
 WHERE e.id = et.execution_id AND e.problem_id IS NOT NULL AND et.problem_id IS NULL;

CREATE INDEX CONCURRENTLY IF NOT EXISTS execution_tags_of_problem
    ON execution_tags (tag_id, problem_id, mode, status, execution_id) WHERE problem_id IS NOT NULL;
