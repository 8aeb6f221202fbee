-- How often somebody tried a password or a code without success: for an account, whether or
-- not there is one, and from an address. The key is a MAC, so that no address is stored.
CREATE TABLE attempts (
    key bytea PRIMARY KEY,
    failures integer NOT NULL,
    -- Of an account: when it was last tried. Of an address: when its window began.
    since timestamptz NOT NULL,
    locked_until timestamptz NOT NULL
);
CREATE INDEX attempts_since ON attempts (since);
