-- Tables that workflows keep rows in, all of them in the same three tables. The cells of a row are by the ids of their
-- columns, so that a column can get another name; what is empty is not there.

CREATE TABLE data_tables (
    id           text PRIMARY KEY CONSTRAINT data_tables_id_not_empty CHECK (id <> ''),
    project_id   text NOT NULL CONSTRAINT data_tables_project_id_fkey REFERENCES projects (id),
    name         text NOT NULL,
    last_row_id  bigint NOT NULL DEFAULT 0,  -- ids of rows count up within their table and are not used again
    bytes        bigint NOT NULL DEFAULT 0,  -- of the cells; kept by triggers
    created_at   timestamptz(3) NOT NULL DEFAULT now(),
    updated_at   timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT data_tables_name_is_unique UNIQUE (project_id, name)
);

CREATE INDEX data_tables_by_project ON data_tables (project_id, id);

CREATE TABLE data_table_columns (
    id          text PRIMARY KEY CONSTRAINT data_table_columns_id_not_empty CHECK (id <> ''),
    table_id    text NOT NULL REFERENCES data_tables (id) ON DELETE CASCADE,
    name        text NOT NULL,
    type        text NOT NULL
                CONSTRAINT data_table_columns_type CHECK (type IN ('string', 'number', 'boolean', 'date')),
    place       integer NOT NULL,  -- counts from 0, from left to right
    created_at  timestamptz(3) NOT NULL DEFAULT now(),
    updated_at  timestamptz(3) NOT NULL DEFAULT now(),
    CONSTRAINT data_table_columns_name_is_unique UNIQUE (table_id, name)
);

-- A date is a text in UTC with milliseconds, which sorts as the time does.
CREATE TABLE data_table_rows (
    table_id    text NOT NULL REFERENCES data_tables (id) ON DELETE CASCADE,
    id          bigint NOT NULL,
    cells       jsonb NOT NULL CONSTRAINT data_table_rows_cells CHECK (jsonb_typeof(cells) = 'object'),
    size        integer GENERATED ALWAYS AS (octet_length(cells::text)) STORED,
    created_at  timestamptz(3) NOT NULL DEFAULT now(),
    updated_at  timestamptz(3) NOT NULL DEFAULT now(),
    PRIMARY KEY (table_id, id)
);

-- Finds the rows in which a cell has a value: what most programs ask for.
CREATE INDEX data_table_rows_by_cell ON data_table_rows USING gin (cells jsonb_path_ops);

CREATE FUNCTION count_added_bytes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE data_tables AS t
       SET bytes = t.bytes + c.bytes
      FROM (SELECT a.table_id, sum(a.size) AS bytes FROM added AS a GROUP BY a.table_id) AS c
     WHERE t.id = c.table_id;
    RETURN NULL;
END $$;

CREATE FUNCTION count_removed_bytes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE data_tables AS t
       SET bytes = t.bytes - c.bytes
      FROM (SELECT r.table_id, sum(r.size) AS bytes FROM removed AS r GROUP BY r.table_id) AS c
     WHERE t.id = c.table_id;
    RETURN NULL;
END $$;

CREATE FUNCTION count_changed_bytes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE data_tables AS t
       SET bytes = t.bytes + c.bytes
      FROM (SELECT s.table_id, sum(s.size) AS bytes
              FROM (SELECT a.table_id, a.size FROM added AS a
                    UNION ALL SELECT r.table_id, -r.size FROM removed AS r) AS s
             GROUP BY s.table_id) AS c
     WHERE t.id = c.table_id;
    RETURN NULL;
END $$;

CREATE TRIGGER data_table_rows_added AFTER INSERT ON data_table_rows
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_added_bytes();
CREATE TRIGGER data_table_rows_removed AFTER DELETE ON data_table_rows
    REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION count_removed_bytes();
CREATE TRIGGER data_table_rows_changed AFTER UPDATE ON data_table_rows
    REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_changed_bytes();
