ALTER TABLE users DROP COLUMN delete_at;
