ALTER TABLE workers DROP COLUMN listens;
DROP TABLE listeners;
