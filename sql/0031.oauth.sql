-- Who fetches new tokens for a credential at the moment, and until when nobody else may. A lease instead of a lock:
-- the provider is waited for outside any transaction, and the lease of a process that died ends by itself.
ALTER TABLE credentials ADD COLUMN renewal_holder uuid, ADD COLUMN renewal_until timestamptz;

-- The consent that somebody was sent to a provider for: one a credential, the last one asked for. It is taken away by the
-- callback that uses it. `sealed` is encrypted and holds what the callback has to prove the request with.
CREATE TABLE oauth_consents (
    credential_id  text PRIMARY KEY REFERENCES credentials (id) ON DELETE CASCADE,
    project_id     text NOT NULL,
    state_sha256   bytea NOT NULL,
    sealed         bytea NOT NULL,
    expires_at     timestamptz NOT NULL
);
