-- When the account goes, if its user wants it gone: until then it can be kept.
ALTER TABLE users ADD COLUMN delete_at timestamptz;
