-- Which workflows an n8n had when it was imported: those that it has no longer are told.
CREATE TABLE imported_workflows (
    source       text NOT NULL,
    workflow_id  text NOT NULL,
    PRIMARY KEY (source, workflow_id)
);

INSERT INTO imported_workflows (source, workflow_id)
SELECT a.source, a.workflow_id
  FROM imported_active AS a;
