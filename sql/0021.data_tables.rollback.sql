DROP TABLE data_table_rows;
DROP TABLE data_table_columns;
DROP TABLE data_tables;
DROP FUNCTION count_added_bytes();
DROP FUNCTION count_removed_bytes();
DROP FUNCTION count_changed_bytes();
