-- What is posted to endpoints.
CREATE TABLE messages (
    id uuid PRIMARY KEY, -- orders lists: uuidv7
    org_id uuid NOT NULL,
    event_type text NOT NULL,
    event_id text CHECK (octet_length(event_id) BETWEEN 1 AND 1024), -- its sender's own
    body text NOT NULL, -- the very bytes that are posted and signed
    created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX messages_event_id ON messages (org_id, event_id) WHERE event_id IS NOT NULL;
CREATE INDEX messages_org_id ON messages (org_id, id);

-- A message on its way to one endpoint; a job of its own sends it.
CREATE TABLE deliveries (
    message_id uuid NOT NULL REFERENCES messages ON DELETE CASCADE,
    endpoint_id uuid NOT NULL REFERENCES endpoints ON DELETE CASCADE,
    org_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed', 'skipped')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz CHECK (next_attempt_at IS NULL OR state = 'pending'),
    PRIMARY KEY (message_id, endpoint_id)
);
CREATE INDEX deliveries_endpoint_id ON deliveries (endpoint_id);

-- Each time that a message was sent. An endpoint that is deleted leaves its attempts.
CREATE TABLE attempts (
    id uuid PRIMARY KEY, -- orders lists: uuidv7
    org_id uuid NOT NULL,
    message_id uuid NOT NULL REFERENCES messages ON DELETE CASCADE,
    endpoint_id uuid NOT NULL,
    status integer, -- none: no answer, and `error` says why
    error text,
    response text NOT NULL,
    duration_ms bigint NOT NULL,
    created_at timestamptz NOT NULL,
    CHECK ((status IS NULL) = (error IS NOT NULL))
);
CREATE INDEX attempts_message_id ON attempts (message_id, id);

-- When an endpoint gets its next message: apart from the endpoint, since it changes with each.
CREATE TABLE endpoint_turns (
    endpoint_id uuid PRIMARY KEY REFERENCES endpoints ON DELETE CASCADE,
    org_id uuid NOT NULL,
    next_at timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
