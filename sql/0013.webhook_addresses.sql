-- transactional: false
-- Whether a webhook with parameters falls in with plain paths: by the segment before which its parameters cannot begin.
CREATE INDEX CONCURRENTLY IF NOT EXISTS webhooks_by_first_segment
    ON webhooks (split_part(pattern, '/', 1)) WHERE webhook_id IS NULL;
