DROP TABLE counters, idempotency_keys, execution_metadata, execution_tags, execution_data, execution_inputs,
    executions, workers, workflow_tags, workflows, workflow_versions, tags, api_keys, projects;
