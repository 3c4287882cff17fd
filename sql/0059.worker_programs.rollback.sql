ALTER TABLE workers DROP COLUMN program;
