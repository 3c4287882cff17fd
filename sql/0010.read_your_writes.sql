-- When a caller last changed something, to the few seconds: until a replica is sure to have it, what the caller reads
-- must come from where it is known to be. Null for keys that only read.
ALTER TABLE api_keys ADD COLUMN wrote_at timestamptz;
