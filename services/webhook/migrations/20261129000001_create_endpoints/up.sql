-- URLs of customers that events are posted to.
CREATE TABLE endpoints (
    id uuid PRIMARY KEY, -- orders lists: uuidv7
    org_id uuid NOT NULL,
    url text NOT NULL CHECK (octet_length(url) <= 2048),
    event_types text[] NOT NULL CHECK (cardinality(event_types) <= 100), -- none: all
    description text NOT NULL,
    rate_limit integer NOT NULL CHECK (rate_limit BETWEEN 1 AND 10000), -- deliveries a second
    ordered boolean NOT NULL,
    kind text NOT NULL CHECK (kind IN ('webhook', 'slack', 'zapier', 'n8n', 'posthog')),
    posthog jsonb CHECK ((posthog IS NOT NULL) = (kind = 'posthog')),
    filter jsonb, -- a JSON Schema that what is said must fit
    header_names text[] NOT NULL,
    headers bytea CHECK ((headers IS NULL) = (header_names = '{}')), -- sealed, bound to `endpoints/<id>/headers`
    revision bigint NOT NULL DEFAULT 1, -- grows with each change
    enabled boolean NOT NULL,
    -- Why it was put off by itself; none, if somebody did.
    disabled_reason text CHECK (disabled_reason IN ('gone', 'failing')) CHECK (disabled_reason IS NULL OR NOT enabled),
    failing_since timestamptz, -- the first failure after the last success
    events bigint NOT NULL DEFAULT 0, -- how many were published of it: their version
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX endpoints_org_id ON endpoints (org_id, id);

-- Types of an organisation's own events.
CREATE TABLE event_types (
    id uuid PRIMARY KEY, -- orders lists: uuidv7
    org_id uuid NOT NULL,
    name text NOT NULL CHECK (octet_length(name) BETWEEN 1 AND 128),
    description text NOT NULL,
    schema jsonb, -- what the payload of each message fits
    example jsonb,
    version bigint NOT NULL DEFAULT 1, -- of the schema
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX event_types_name ON event_types (org_id, name);
CREATE INDEX event_types_org_id ON event_types (org_id, id);

-- What messages are signed with: the one without an end, and besides those that retire.
CREATE TABLE endpoint_secrets (
    id uuid PRIMARY KEY, -- orders them: uuidv7
    org_id uuid NOT NULL,
    endpoint_id uuid NOT NULL REFERENCES endpoints ON DELETE CASCADE,
    sealed bytea NOT NULL, -- bound to `endpoint_secrets/<id>`
    expires_at timestamptz
);
CREATE UNIQUE INDEX endpoint_secrets_current ON endpoint_secrets (endpoint_id) WHERE expires_at IS NULL;
CREATE INDEX endpoint_secrets_endpoint_id ON endpoint_secrets (endpoint_id);
