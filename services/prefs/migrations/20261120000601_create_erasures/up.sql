-- Users and organisations that are gone, for as long as one of their tokens may still write.
CREATE TABLE erasures (
    id uuid PRIMARY KEY, -- of a user or an organisation: no two are the same
    erased_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX documents_by_user ON documents (user_id);
