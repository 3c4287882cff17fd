DROP TABLE imported_workflows;
