-- Where in large run data the items of each node's outputs stand (app/repository/run_index.py), so that a page of them
-- is read without the rest. Null for small data, and for what was recorded before.
--
-- EXTERNAL: a slice of it is read without reading the rest.

ALTER TABLE execution_data ADD COLUMN run_index bytea;
ALTER TABLE execution_data ALTER COLUMN run_index SET STORAGE EXTERNAL;
