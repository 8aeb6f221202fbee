-- Events of a user and of an organisation carry it as their version. It is not the
-- version of the user's rights: a new name must not void tokens.
ALTER TABLE users ADD COLUMN revision bigint NOT NULL DEFAULT 1;
ALTER TABLE organizations ADD COLUMN revision bigint NOT NULL DEFAULT 1;
