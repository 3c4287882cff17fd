-- Whose turn it is to prune: one pruner at a time, step after step, until it has nothing to do or is silent for too long.
CREATE TABLE pruning_turns (
    id          boolean PRIMARY KEY DEFAULT true CONSTRAINT pruning_turns_one_row CHECK (id),
    holder      uuid,
    expires_at  timestamptz NOT NULL DEFAULT '-infinity'
);

INSERT INTO pruning_turns DEFAULT VALUES;

-- What was deleted makes room for what comes next after a fiftieth of the table, not after a fifth.
ALTER TABLE executions SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
ALTER TABLE execution_data SET (autovacuum_vacuum_scale_factor = 0.02, toast.autovacuum_vacuum_scale_factor = 0.02);
