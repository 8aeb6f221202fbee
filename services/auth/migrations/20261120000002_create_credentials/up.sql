-- What people prove themselves with.

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    -- Which refresh token is the current one, and since when: both are in it.
    counter bigint NOT NULL,
    rotated_at timestamptz NOT NULL,
    user_agent text,
    ip text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_why text
);
CREATE INDEX sessions_user_id ON sessions (user_id, id);
CREATE INDEX sessions_org_id ON sessions (org_id);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    name text NOT NULL,
    prefix text NOT NULL,
    -- SHA-256 of the secret, which has 160 bits.
    secret_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz NOT NULL
);
CREATE INDEX api_keys_user_id ON api_keys (user_id, id);
CREATE INDEX api_keys_org_id ON api_keys (org_id);
