DROP TRIGGER executions_note_failure ON executions;
DROP FUNCTION note_failure();
DROP TABLE failure_notices;
ALTER TABLE workers DROP COLUMN sends_notices;
