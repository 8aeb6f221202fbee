-- Providers that post events to us.
CREATE TABLE sources (
    id uuid PRIMARY KEY, -- orders lists: uuidv7
    org_id uuid NOT NULL,
    name text NOT NULL CHECK (octet_length(name) <= 400),
    scheme text NOT NULL CHECK (scheme IN ('hmac', 'stripe', 'github', 'slack', 'standard_webhooks')),
    hmac jsonb CHECK ((hmac IS NOT NULL) = (scheme = 'hmac')),
    sealed bytea NOT NULL, -- what they sign with, bound to `sources/<id>`
    retiring bytea, -- what they signed with before, bound to the same
    retires_at timestamptz CHECK ((retires_at IS NULL) = (retiring IS NULL)),
    events bigint NOT NULL DEFAULT 0, -- how many were published of it: their version
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX sources_org_id ON sources (org_id, id);

-- What they posted.
CREATE TABLE received (
    id uuid PRIMARY KEY, -- orders lists, and says what is too old: uuidv7
    org_id uuid NOT NULL,
    source_id uuid NOT NULL REFERENCES sources ON DELETE CASCADE,
    event_id text, -- the provider's own
    event_type text,
    payload text NOT NULL, -- JSON
    received_at timestamptz NOT NULL
);
-- What comes twice came once.
CREATE UNIQUE INDEX received_event_id ON received (source_id, event_id) WHERE event_id IS NOT NULL;
CREATE INDEX received_source_id ON received (source_id, id);
