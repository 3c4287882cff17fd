-- Which workflows were active in the n8n that is followed, at which version, and when that was last seen. Who begins
-- the switch deactivates them one by one, and n8n forgets then which version was published and what answered where.
CREATE TABLE imported_active (
    source       text NOT NULL,
    workflow_id  text NOT NULL,
    version_id   uuid,                        -- null: the current one
    webhooks     json NOT NULL DEFAULT '[]',  -- each [method, path, webhook id or null, node]
    seen_at      timestamptz NOT NULL,
    PRIMARY KEY (source, workflow_id)
);

INSERT INTO imported_active (source, workflow_id, seen_at)
SELECT i.source, a.workflow_id, i.changed_at
  FROM imports AS i, unnest(i.active) AS a (workflow_id)
    ON CONFLICT DO NOTHING;

ALTER TABLE imports DROP COLUMN active;
