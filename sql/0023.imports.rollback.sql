DELETE FROM deduplication_values WHERE octet_length(value_sha256) = 16;
ALTER TABLE deduplication_values
    DROP CONSTRAINT deduplication_values_are_sha256,
    ADD CONSTRAINT deduplication_values_are_sha256 CHECK (octet_length(value_sha256) = 32);
ALTER TABLE workflows DROP COLUMN folder;
ALTER TABLE executions DROP COLUMN note;
DROP TABLE imported_waits;
DROP TABLE imports;
