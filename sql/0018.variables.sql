-- What expressions and programs read as $vars: of all projects (project_id NULL), or of one, which then hides the
-- common one of the same key.

CREATE TABLE variables (
    id          text PRIMARY KEY CONSTRAINT variables_id_not_empty CHECK (id <> ''),
    key         text NOT NULL CONSTRAINT variables_key_not_empty CHECK (key <> ''),
    value       text NOT NULL,
    type        text NOT NULL DEFAULT 'string',
    project_id  text CONSTRAINT variables_project_id_fkey REFERENCES projects (id),
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT variables_key_is_unique UNIQUE NULLS NOT DISTINCT (project_id, key)
);

-- Lists of one project, of all projects' own, and of those that are still without a value.
CREATE INDEX variables_by_project ON variables (project_id, id);
CREATE INDEX variables_common ON variables (id) WHERE project_id IS NULL;
CREATE INDEX variables_empty ON variables (id) WHERE value = '';
