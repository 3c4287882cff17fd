-- What an execution was about, for lists: the first fields of what it began with (app/engine/run/preview.py).
ALTER TABLE executions ADD COLUMN input_preview json;
