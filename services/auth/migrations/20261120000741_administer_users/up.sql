-- What only those who administer write about a user, and how they find one.
ALTER TABLE users
    ADD COLUMN app_metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(app_metadata) = 'object');
CREATE INDEX users_email_beginning ON users (email text_pattern_ops);
CREATE INDEX user_roles_role ON user_roles (role, user_id);
