ALTER TABLE imported_waits DROP COLUMN question_signatures;
