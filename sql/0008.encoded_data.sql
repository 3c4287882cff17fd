-- transactional: false
-- What an execution produced is compressed by the worker that writes it. Rows from before keep their `data`.
--
-- EXTERNAL: PostgreSQL does not compress it again, and a slice of it is read without reading the rest.

ALTER TABLE execution_data
    ADD COLUMN IF NOT EXISTS encoded bytea,
    ADD COLUMN IF NOT EXISTS encoding text,
    ADD COLUMN IF NOT EXISTS waiting_node json,  -- the node that waits for a call, so that none has to decode the rest
    ALTER COLUMN encoded SET STORAGE EXTERNAL,
    ALTER COLUMN data DROP NOT NULL,
    DROP CONSTRAINT IF EXISTS execution_data_is_there_once,
    DROP CONSTRAINT IF EXISTS execution_data_encoding,
    ADD CONSTRAINT execution_data_is_there_once CHECK (num_nonnulls(data, encoded) = 1) NOT VALID,
    ADD CONSTRAINT execution_data_encoding CHECK
        ((encoding IS NULL) = (encoded IS NULL) AND encoding IN ('identity', 'zstd')) NOT VALID;

ALTER TABLE execution_data VALIDATE CONSTRAINT execution_data_is_there_once;
ALTER TABLE execution_data VALIDATE CONSTRAINT execution_data_encoding;
