ALTER TABLE imported_workflows DROP COLUMN version_id;
