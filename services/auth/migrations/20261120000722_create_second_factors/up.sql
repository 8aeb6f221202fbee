-- What people prove themselves with beside the first proof.
CREATE TABLE totp_factors (
    user_id uuid PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    sealed_secret bytea NOT NULL,
    -- The time step of the last code that was taken: each works once.
    last_step bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    -- Until a first code has shown that the secret arrived, it opens and guards nothing.
    confirmed_at timestamptz
);

-- Codes of 80 random bits for who lost the device; using one deletes it.
CREATE TABLE recovery_codes (
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    hash bytea NOT NULL,
    PRIMARY KEY (user_id, hash)
);
