-- Of several paths the first stays.
DELETE FROM webhooks AS h
 USING webhooks AS o
 WHERE o.workflow_id = h.workflow_id AND o.node = h.node AND o.method = h.method AND o.pattern < h.pattern;
ALTER TABLE webhooks
    DROP CONSTRAINT webhooks_pkey,
    ADD CONSTRAINT webhooks_pkey PRIMARY KEY (workflow_id, node, method);
