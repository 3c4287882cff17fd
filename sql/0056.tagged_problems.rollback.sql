-- transactional: false
DROP INDEX CONCURRENTLY IF EXISTS execution_tags_of_problem;

CREATE OR REPLACE TRIGGER executions_pass_on_status
    AFTER UPDATE OF status ON executions
    FOR EACH ROW
    WHEN (NEW.tagged AND OLD.status <> NEW.status)
    EXECUTE FUNCTION pass_on_status();

CREATE OR REPLACE FUNCTION pass_on_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE execution_tags AS et SET status = NEW.status WHERE et.execution_id = NEW.id;
    RETURN NULL;
END $$;

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

ALTER TABLE execution_tags DROP COLUMN IF EXISTS problem_id;
