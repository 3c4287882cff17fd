-- What came from another program: how far each source was read, what waits until this program takes over, and what
-- n8n keeps that had no place here.

CREATE TABLE imports (
    source      text PRIMARY KEY,
    highest_id  bigint NOT NULL DEFAULT 0,       -- executions up to this one are here,
    unfinished  bigint[] NOT NULL DEFAULT '{}',  -- but for these, which had not ended when they were read
    active      text[] NOT NULL DEFAULT '{}',    -- workflows that were active there when they were last read
    changed_at  timestamptz NOT NULL DEFAULT now()
);

-- Executions that waited when they came. Until they are released they go on nowhere: not by time, not by a call.
CREATE TABLE imported_waits (
    execution_id  bigint PRIMARY KEY REFERENCES executions (id) ON DELETE CASCADE,
    token         text,         -- what links to it are signed with; null: they are not
    wait_till     timestamptz,
    resume_on     text,
    released_at   timestamptz
);

CREATE INDEX imported_waits_held ON imported_waits (execution_id) WHERE released_at IS NULL;

ALTER TABLE executions ADD COLUMN note text;  -- what somebody wrote about it

ALTER TABLE workflows ADD COLUMN folder text;  -- names from the outermost one, with ` / ` between them

-- Values from n8n are known by their MD5 only.
ALTER TABLE deduplication_values
    DROP CONSTRAINT deduplication_values_are_sha256,
    ADD CONSTRAINT deduplication_values_are_sha256 CHECK (octet_length(value_sha256) IN (16, 32)) NOT VALID;

ALTER TABLE deduplication_values VALIDATE CONSTRAINT deduplication_values_are_sha256;
