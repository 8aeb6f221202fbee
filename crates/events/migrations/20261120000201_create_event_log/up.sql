-- What this service told the others, in the transaction that made it true. Rows are read in the order in
-- which transactions became visible (`xid` against snapshots), never by `seq` alone: a number that was drawn
-- early may be committed late.
CREATE TABLE events (
    -- Before `seq`: defaults are computed in the columns' order, so that a transaction has its number before
    -- it draws one of the log. The relay counts on it when it looks where a round begins.
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    type text NOT NULL,
    org_id uuid,
    aggregate text NOT NULL,
    version bigint NOT NULL,
    data jsonb NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX events_by_transaction ON events (xid, seq);

-- How far each subscriber was told. `seen` is what was visible when the last round that was told completely
-- began: a row that was not is still to be told. A round in progress tells what is visible in `target`, in
-- the order of `seq`, and has come to `after_seq`.
CREATE TABLE event_subscribers (
    name text PRIMARY KEY,
    seen pg_snapshot NOT NULL DEFAULT '1:1:',
    target pg_snapshot,
    after_seq bigint NOT NULL DEFAULT 0,
    -- Who tells it, and until when nobody else does; by the clock of the database.
    lease_token uuid,
    leased_until timestamptz,
    -- For operators.
    failing_since timestamptz,
    last_error text
) WITH (fillfactor = 50);
