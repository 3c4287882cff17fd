-- transactional: false
-- Workflows by a part of their names. The pieces of three characters of a name are in an index of PostgreSQL's own kind
-- (pg_trgm would do the same, but is not there everywhere): a workflow whose name contains a text has all its pieces.

ALTER TABLE workflows ADD COLUMN IF NOT EXISTS name text;  -- of its current version, kept by the trigger below

CREATE OR REPLACE FUNCTION take_name_of_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.name := (SELECT v.name FROM workflow_versions AS v WHERE v.id = NEW.version_id);
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER workflows_have_the_name_of_their_version
    BEFORE INSERT OR UPDATE OF version_id ON workflows
    FOR EACH ROW EXECUTE FUNCTION take_name_of_version();

UPDATE workflows AS w SET version_id = w.version_id WHERE w.name IS NULL;

CREATE OR REPLACE FUNCTION name_pieces(name text) RETURNS text[]
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT substr(lower(name), n, 3)), '{}')
      FROM generate_series(1, length(lower(name)) - 2) AS n
$$;

CREATE INDEX CONCURRENTLY IF NOT EXISTS workflows_by_name ON workflows USING gin (name_pieces(name));
