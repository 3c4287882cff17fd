-- Which key each credential is encrypted with: null in rows that the first release wrote.
ALTER TABLE credentials ADD COLUMN key_id text;

-- What proved a webhook's caller, encrypted: the run that the call started sees it, whoever reads its data does not.
-- It is forgotten with the run's first result.
ALTER TABLE execution_inputs ADD COLUMN sealed bytea;
