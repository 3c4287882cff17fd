ALTER TABLE api_keys DROP COLUMN user_id;

DROP TABLE project_members;

DROP TABLE users;
