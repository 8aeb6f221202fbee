ALTER TABLE api_keys
    DROP CONSTRAINT api_keys_old_secret,
    DROP COLUMN rate_limit,
    DROP COLUMN rotated_at,
    DROP COLUMN old_secret_hash,
    DROP COLUMN old_secret_until;
