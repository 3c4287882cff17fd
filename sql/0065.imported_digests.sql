-- SHA-256 of a waiting execution as it came, so that one that comes again unchanged is not written again. Null: it came
-- before this was noted.
ALTER TABLE imported_waits ADD COLUMN IF NOT EXISTS digest bytea;
