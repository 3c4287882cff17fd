ALTER TABLE imported_waits DROP COLUMN digest;
