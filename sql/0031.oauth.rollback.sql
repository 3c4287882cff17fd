DROP TABLE oauth_consents;
ALTER TABLE credentials DROP COLUMN renewal_holder, DROP COLUMN renewal_until;
