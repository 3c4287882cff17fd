ALTER TABLE execution_inputs DROP COLUMN sealed;
ALTER TABLE credentials DROP COLUMN key_id;
