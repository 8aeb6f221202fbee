-- A key's own limit, and the secret before the last rotation, which may open for a while.
ALTER TABLE api_keys
    -- Requests a minute; none: no limit of its own.
    ADD COLUMN rate_limit integer CHECK (rate_limit BETWEEN 1 AND 100000),
    ADD COLUMN rotated_at timestamptz,
    ADD COLUMN old_secret_hash bytea,
    ADD COLUMN old_secret_until timestamptz,
    ADD CONSTRAINT api_keys_old_secret CHECK ((old_secret_hash IS NULL) = (old_secret_until IS NULL));
