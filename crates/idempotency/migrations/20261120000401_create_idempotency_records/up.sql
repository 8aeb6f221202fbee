-- What a POST with an Idempotency-Key answered, for 24 hours.
CREATE TABLE idempotency_records (
    -- SHA-256 of owner, method, path and key: the key's text is nobody else's business.
    id bytea PRIMARY KEY CHECK (length(id) = 32),
    org_id uuid NOT NULL,
    user_id uuid NOT NULL,
    -- The request's fingerprint and the reply, sealed for this row.
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idempotency_records_created_at ON idempotency_records (created_at);
