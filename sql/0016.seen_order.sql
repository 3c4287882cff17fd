-- transactional: false
-- When a deduplication history has seen a value last, so that a full one can forget what it has not seen for longest.
-- Null in rows of earlier releases: they are the oldest.
ALTER TABLE deduplication_values ADD COLUMN IF NOT EXISTS seen_at timestamptz;

ALTER TABLE deduplication_values ALTER COLUMN seen_at SET DEFAULT now();

CREATE INDEX CONCURRENTLY IF NOT EXISTS deduplication_values_seen
    ON deduplication_values (workflow_id, scope, seen_at NULLS FIRST, value_sha256);
