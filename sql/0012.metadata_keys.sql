-- transactional: false
-- Lists by a key of custom data, whatever its value, newest first.
CREATE INDEX CONCURRENTLY IF NOT EXISTS execution_metadata_of_key ON execution_metadata (key, execution_id);
