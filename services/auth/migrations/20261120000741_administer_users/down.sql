DROP INDEX user_roles_role;
DROP INDEX users_email_beginning;
ALTER TABLE users DROP COLUMN app_metadata;
