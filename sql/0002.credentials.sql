-- Secrets that workflows name by id. `data` is encrypted before it comes here, bound to the id and type of
-- its row; the key is never in the database.

CREATE TABLE credentials (
    id          text PRIMARY KEY CONSTRAINT credentials_id_not_empty CHECK (id <> ''),
    name        text NOT NULL,
    type        text NOT NULL,
    project_id  text NOT NULL REFERENCES projects (id),
    data        bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX credentials_by_project ON credentials (project_id, id);
