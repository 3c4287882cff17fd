ALTER TABLE execution_inputs
    DROP COLUMN retry_from,
    DROP COLUMN retry_items;
