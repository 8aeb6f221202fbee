-- What tokens are signed with. A key is published from the start, signs from
-- `activates_at` on until the next one does, and is forgotten at `retires_at`.

CREATE TABLE signing_keys (
    kid text PRIMARY KEY,
    -- An Ed25519 seed, sealed under the key-encryption key for this row.
    sealed_seed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    activates_at timestamptz NOT NULL,
    retires_at timestamptz
);
