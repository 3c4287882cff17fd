ALTER TABLE imports ADD COLUMN active text[] NOT NULL DEFAULT '{}';
UPDATE imports AS i
   SET active = ARRAY(SELECT a.workflow_id FROM imported_active AS a WHERE a.source = i.source ORDER BY a.workflow_id);
DROP TABLE imported_active;
