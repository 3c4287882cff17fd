ALTER TABLE execution_data RESET (autovacuum_vacuum_scale_factor, toast.autovacuum_vacuum_scale_factor);
ALTER TABLE executions RESET (autovacuum_vacuum_scale_factor, autovacuum_analyze_scale_factor);
DROP TABLE pruning_turns;
