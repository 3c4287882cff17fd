-- What the links are signed with by which people answer what an execution asked them before it came: no, and yes.
ALTER TABLE imported_waits ADD COLUMN IF NOT EXISTS question_signatures text[];
