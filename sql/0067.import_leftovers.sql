-- Executions that an import has not brought, or not whole: a row each. In one array they were written anew with every
-- batch, and read again in every pass, also where nothing but a folder that nobody named could bring more of them.
CREATE TABLE import_leftovers (
    source        text NOT NULL,
    execution_id  bigint NOT NULL,
    needs_folder  boolean NOT NULL DEFAULT false,  -- n8n's storage folder, or a copy of its bucket, brings more of it
    needs_above   bigint,                          -- a bound of more bytes than this brings more of it
    PRIMARY KEY (source, execution_id)
);

-- Those that each pass asks for again: they had not ended, waited, or could not be read then.
CREATE INDEX import_leftovers_of_each_pass ON import_leftovers (source, execution_id)
 WHERE NOT needs_folder AND needs_above IS NULL;

INSERT INTO import_leftovers (source, execution_id)
SELECT i.source, u.execution_id
  FROM imports AS i, unnest(i.unfinished) AS u (execution_id)
    ON CONFLICT DO NOTHING;

-- imports.unfinished stays as it is: a program of before, which may still run, reads and writes it.
