-- The program that a worker is: whoever looks a deployment over sees which one an upgrade has forgotten.
ALTER TABLE workers ADD COLUMN IF NOT EXISTS program text;
