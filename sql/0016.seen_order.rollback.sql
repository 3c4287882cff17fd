ALTER TABLE deduplication_values DROP COLUMN seen_at;
