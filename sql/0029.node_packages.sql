-- The node packages that this deployment uses. What stands here is the truth for all machines: each worker installs
-- what is listed, from `lock`, and the API knows of it what `manifest` says. `nodes` is what lists of packages show.
CREATE TABLE node_packages (
    name          text PRIMARY KEY CONSTRAINT node_packages_name_not_empty CHECK (name <> ''),
    version       text NOT NULL,
    integrity     text NOT NULL,
    licence       text NOT NULL,
    author_name   text,
    author_email  text,
    lock          text NOT NULL,  -- npm's package-lock.json
    manifest      json NOT NULL,
    nodes         json NOT NULL,
    node_types    text[] NOT NULL,
    installed_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What somebody has asked for over the API; a worker does it, takes the row away, or says why it cannot be done.
CREATE TABLE node_package_wishes (
    name              text PRIMARY KEY,
    version           text NOT NULL,
    accepts_licence   boolean NOT NULL,
    asked_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    worker_id         bigint,
    attempts          integer NOT NULL DEFAULT 0,
    error             text
);

-- Rises with each change of the list, so that a look at one row tells whether what is known of it still holds.
CREATE TABLE node_packages_revision (
    only_one  boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    revision  bigint NOT NULL
);

INSERT INTO node_packages_revision (revision) VALUES (1);

CREATE FUNCTION note_node_packages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO node_packages_revision AS r (revision) VALUES (2)
    ON CONFLICT (only_one) DO UPDATE SET revision = r.revision + 1;
    PERFORM pg_notify('node_packages', '');
    RETURN NULL;
END
$$;

CREATE TRIGGER node_packages_change AFTER INSERT OR UPDATE OR DELETE ON node_packages
    FOR EACH STATEMENT EXECUTE FUNCTION note_node_packages();

-- Why this worker lacks packages that are listed: messages by name.
ALTER TABLE workers ADD COLUMN package_errors json NOT NULL DEFAULT '{}';

-- The types of nodes that a version has: a worker that lacks some of them leaves its executions to others. NULL in a
-- row from before, of which it is found out when it is asked for.
ALTER TABLE workflow_versions ADD COLUMN node_types text[];

CREATE FUNCTION node_types_of(definition json) RETURNS text[] LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN ARRAY(SELECT DISTINCT left(n.node ->> 'type', 300) COLLATE "C"
                   FROM json_array_elements(CASE json_typeof(definition -> 'nodes')
                                            WHEN 'array' THEN definition -> 'nodes' END) AS n (node)
                  WHERE json_typeof(n.node -> 'type') = 'string'
                  ORDER BY 1
                  LIMIT 1000);
EXCEPTION
    WHEN data_exception THEN RETURN '{}';
END
$$;

CREATE FUNCTION keep_node_types() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.node_types := node_types_of(NEW.definition);
    RETURN NEW;
END
$$;

CREATE TRIGGER workflow_versions_node_types BEFORE INSERT ON workflow_versions
    FOR EACH ROW EXECUTE FUNCTION keep_node_types();
