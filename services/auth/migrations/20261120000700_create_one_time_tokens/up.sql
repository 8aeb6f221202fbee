-- What works once: the proof in a mailed link, the right to a second step, a ticket.
-- The token's text is made from the row's id and a MAC, so it is stored nowhere; whoever
-- takes it deletes the row, and so one of many does.
CREATE TABLE one_time_tokens (
    id uuid PRIMARY KEY,
    purpose text NOT NULL,
    user_id uuid REFERENCES users ON DELETE CASCADE,
    org_id uuid REFERENCES organizations ON DELETE CASCADE,
    -- What it is good for, in words of its purpose: a new address, a session.
    about text,
    -- Wrong codes that were tried with it.
    failures integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX one_time_tokens_user_id ON one_time_tokens (user_id, purpose);
CREATE INDEX one_time_tokens_org_id ON one_time_tokens (org_id);
CREATE INDEX one_time_tokens_expires_at ON one_time_tokens (expires_at);

-- Mails that were asked for, until the mail service has had time to send them.
CREATE TABLE mails (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    recipient text NOT NULL,
    user_id uuid REFERENCES users ON DELETE CASCADE,
    org_id uuid REFERENCES organizations ON DELETE CASCADE,
    -- The one-time token in its link.
    token_id uuid,
    variables jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(variables) = 'object'),
    created_at timestamptz NOT NULL
);
CREATE INDEX mails_user_id ON mails (user_id);
CREATE INDEX mails_org_id ON mails (org_id);
CREATE INDEX mails_created_at ON mails (created_at);
