-- At which version an import last left each workflow: one that is at it still was not changed here. Of many n8ns the
-- history does not say it.
ALTER TABLE imported_workflows ADD COLUMN IF NOT EXISTS version_id uuid;
