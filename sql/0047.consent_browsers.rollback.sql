ALTER TABLE oauth_consents DROP COLUMN api_key_id, DROP COLUMN session_sha256;
