ALTER TABLE execution_data DROP COLUMN run_index;
