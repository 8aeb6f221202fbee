-- Which tokens are void before they expire: the feed that every process follows.

CREATE TABLE revocations (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Whoever reads asks for what no earlier snapshot of theirs has shown: a
    -- sequence would hide what commits late.
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    -- A user, session or API key, as `sub` or `sid` of its tokens say it.
    subject text NOT NULL,
    -- Tokens of lower versions are void; all are where there is none.
    version bigint,
    reason text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX revocations_xid ON revocations (xid);
CREATE INDEX revocations_created_at ON revocations (created_at);

-- Grows when the key is changed: its tokens carry it as `sver`.
ALTER TABLE api_keys ADD COLUMN version bigint NOT NULL DEFAULT 1;

ALTER TABLE users
    -- For whoever administers.
    ADD COLUMN banned_why text,
    -- A login that began before it opens no session after it.
    ADD COLUMN password_changed_at timestamptz;
