-- A key that was revoked stays so.
SELECT 1;
