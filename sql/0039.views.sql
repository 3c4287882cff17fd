-- Lists of executions that somebody has given a name: the query string of GET /executions. A view belongs to its key.
CREATE TABLE views (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    api_key_id  bigint NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    name        text NOT NULL,
    query       text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT views_name_is_unique UNIQUE (api_key_id, name)
);
