-- Where a retry goes on, when somebody said it ("start", or a node and its run), and the items that it gets there.
ALTER TABLE execution_inputs
    ADD COLUMN retry_from json,
    ADD COLUMN retry_items json;
