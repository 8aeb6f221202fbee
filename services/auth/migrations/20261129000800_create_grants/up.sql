-- Leaves that people gave to long-running work: a service draws short tokens from one.

CREATE TABLE grants (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL,
    user_id uuid NOT NULL,
    -- Who holds it: only this service draws from it.
    service text NOT NULL,
    -- What it is for, in the service's words; asked for twice, it is the same grant.
    reference text NOT NULL CHECK (length(reference) BETWEEN 1 AND 200),
    -- The same for people.
    description text NOT NULL CHECK (length(description) BETWEEN 1 AND 200),
    -- Who acts in the user's name, such as an agent.
    actor text,
    scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
    -- The key that it was made by, if one was: it goes with the key.
    api_key_id uuid REFERENCES api_keys ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    last_used_at timestamptz,
    -- It acts in the name of a member: it goes with the membership.
    FOREIGN KEY (org_id, user_id) REFERENCES memberships (org_id, user_id) ON DELETE CASCADE,
    UNIQUE (service, user_id, org_id, reference)
);
CREATE INDEX grants_user_id ON grants (user_id, id);
CREATE INDEX grants_org_id ON grants (org_id);
CREATE INDEX grants_api_key_id ON grants (api_key_id) WHERE api_key_id IS NOT NULL;
CREATE INDEX grants_expires_at ON grants (expires_at);
