ALTER TABLE users DROP COLUMN banned_why, DROP COLUMN password_changed_at;
ALTER TABLE api_keys DROP COLUMN version;
DROP TABLE revocations;
