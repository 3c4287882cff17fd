-- transactional: false
-- A node may be called by one method at several paths.
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS webhooks_of_nodes ON webhooks (workflow_id, node, method, pattern);
ALTER TABLE webhooks
    DROP CONSTRAINT webhooks_pkey,
    ADD CONSTRAINT webhooks_pkey PRIMARY KEY USING INDEX webhooks_of_nodes;
