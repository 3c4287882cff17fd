-- transactional: false
DROP INDEX CONCURRENTLY execution_metadata_of_key;
