ALTER TABLE api_keys DROP COLUMN wrote_at;
