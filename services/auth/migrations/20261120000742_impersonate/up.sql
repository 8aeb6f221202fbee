-- A session that an administrator has in a user's name.
ALTER TABLE sessions ADD COLUMN impersonator_id uuid REFERENCES users ON DELETE CASCADE;
CREATE INDEX sessions_impersonator_id ON sessions (impersonator_id) WHERE impersonator_id IS NOT NULL;
