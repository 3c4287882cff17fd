ALTER TABLE workers
    DROP COLUMN listener_slots,
    ADD COLUMN listens boolean NOT NULL DEFAULT false;
