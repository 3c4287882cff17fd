-- Who has begun a consent: the API key, and the browser's session where a page of the console has. One ends with the
-- other; those that were under way are begun again.
ALTER TABLE oauth_consents
    ADD COLUMN api_key_id bigint REFERENCES api_keys (id) ON DELETE CASCADE,
    ADD COLUMN session_sha256 bytea;
