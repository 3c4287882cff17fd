-- An import that was killed while it activated workflows has left the key that it did so with. None makes one any more.
UPDATE api_keys AS k
   SET revoked_at = now()
 WHERE k.label = 'flask import' AND k.scopes = ARRAY['workflow:activate'] AND k.revoked_at IS NULL;
