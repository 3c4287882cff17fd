-- How many triggers with a connection a worker can hold: those that have more room hold more where others are full.
ALTER TABLE workers
    DROP COLUMN listens,
    ADD COLUMN listener_slots integer NOT NULL DEFAULT 0;
