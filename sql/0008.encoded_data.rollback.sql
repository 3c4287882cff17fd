-- Fails, and changes nothing, where compressed data is left: SQL cannot turn it back.
UPDATE execution_data
   SET data = convert_from(encoded, 'UTF8')::json, encoded = NULL, encoding = NULL
 WHERE encoding = 'identity';
ALTER TABLE execution_data ALTER COLUMN data SET NOT NULL;
ALTER TABLE execution_data DROP COLUMN encoded, DROP COLUMN encoding, DROP COLUMN waiting_node;
