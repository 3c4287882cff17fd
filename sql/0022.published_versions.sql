-- transactional: false
-- Which version of an active workflow its triggers start: the published one, while its current one may be a draft.
ALTER TABLE workflows
    ADD COLUMN IF NOT EXISTS active_version_id uuid,
    ADD COLUMN IF NOT EXISTS is_archived boolean NOT NULL DEFAULT false;

-- What a version was called when it was published.
ALTER TABLE workflow_versions
    ADD COLUMN IF NOT EXISTS label text,
    ADD COLUMN IF NOT EXISTS description text,
    ADD COLUMN IF NOT EXISTS updated_at timestamptz;

-- A program that knows nothing of drafts activates, saves and deactivates while this one is being introduced: what it
-- does not say is said here. An active workflow has a published version, another has none.
CREATE OR REPLACE FUNCTION keep_published_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.active_version_id := CASE WHEN NEW.active THEN coalesce(NEW.active_version_id, NEW.version_id) END;
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER workflows_have_a_published_version
    BEFORE INSERT OR UPDATE OF active, version_id, active_version_id ON workflows
    FOR EACH ROW EXECUTE FUNCTION keep_published_version();

UPDATE workflows AS w SET active_version_id = w.version_id WHERE w.active AND w.active_version_id IS NULL;

ALTER TABLE workflows
    DROP CONSTRAINT IF EXISTS workflows_published_version,
    ADD CONSTRAINT workflows_published_version FOREIGN KEY (id, active_version_id)
        REFERENCES workflow_versions (workflow_id, id) NOT VALID;

ALTER TABLE workflows VALIDATE CONSTRAINT workflows_published_version;

ALTER TABLE workflows
    DROP CONSTRAINT IF EXISTS workflows_archived_is_not_active,
    ADD CONSTRAINT workflows_archived_is_not_active CHECK (NOT (is_archived AND active)) NOT VALID;

ALTER TABLE workflows VALIDATE CONSTRAINT workflows_archived_is_not_active;

-- The versions of a workflow, newest first.
CREATE INDEX CONCURRENTLY IF NOT EXISTS workflow_versions_by_time ON workflow_versions (workflow_id, created_at, id);
