-- transactional: false
DROP INDEX CONCURRENTLY workflows_by_name;

DROP FUNCTION name_pieces;

DROP TRIGGER workflows_have_the_name_of_their_version ON workflows;

DROP FUNCTION take_name_of_version;

ALTER TABLE workflows DROP COLUMN name;
