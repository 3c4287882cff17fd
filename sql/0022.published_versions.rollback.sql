-- transactional: false
DROP INDEX CONCURRENTLY workflow_versions_by_time;

DROP TRIGGER workflows_have_a_published_version ON workflows;

DROP FUNCTION keep_published_version;

ALTER TABLE workflows
    DROP CONSTRAINT workflows_archived_is_not_active,
    DROP CONSTRAINT workflows_published_version,
    DROP COLUMN is_archived,
    DROP COLUMN active_version_id;

ALTER TABLE workflow_versions
    DROP COLUMN label,
    DROP COLUMN description,
    DROP COLUMN updated_at;
