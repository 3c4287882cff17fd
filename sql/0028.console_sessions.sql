-- Who is signed in to the console: an API key that a browser holds a session of. Of both only the SHA-256 is stored.
CREATE TABLE console_sessions (
    token_sha256  bytea PRIMARY KEY
                  CONSTRAINT console_sessions_token_is_sha256 CHECK (octet_length(token_sha256) = 32),
    api_key_id    bigint NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    created_at    timestamptz NOT NULL DEFAULT now(),
    last_used_at  timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX console_sessions_api_key_id ON console_sessions (api_key_id);
CREATE INDEX console_sessions_last_used_at ON console_sessions (last_used_at);

-- Links that sign in once. A row goes when its link is used.
CREATE TABLE console_links (
    token_sha256  bytea PRIMARY KEY
                  CONSTRAINT console_links_token_is_sha256 CHECK (octet_length(token_sha256) = 32),
    api_key_id    bigint NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    expires_at    timestamptz NOT NULL
);

CREATE INDEX console_links_api_key_id ON console_links (api_key_id);
CREATE INDEX console_links_expires_at ON console_links (expires_at);
