-- How each session began and is carried: what a step-up renews, what the list of devices
-- shows.
ALTER TABLE sessions
    -- Whether a browser carries it as a cookie: then it has no refresh token, and
    -- `rotated_at` is when it was last used.
    ADD COLUMN cookie boolean NOT NULL DEFAULT false,
    -- When the user last proved who they are in it, and how (RFC 8176).
    ADD COLUMN authenticated_at timestamptz,
    ADD COLUMN methods text[] NOT NULL DEFAULT '{pwd}',
    -- What the client seems to be, such as `Firefox on Linux`, and the network it came from.
    ADD COLUMN device text,
    ADD COLUMN network text;
UPDATE sessions SET authenticated_at = created_at;
ALTER TABLE sessions ALTER COLUMN authenticated_at SET NOT NULL, ALTER COLUMN methods DROP DEFAULT,
    ALTER COLUMN cookie DROP DEFAULT;
