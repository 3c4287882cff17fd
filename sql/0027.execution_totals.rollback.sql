DROP TABLE execution_backfill, execution_totals, execution_ends;
DROP FUNCTION duration_bucket;
