-- The events of others that were taken. A row is kept as long as the publisher keeps its own, so that one
-- that is told again is known.
CREATE TABLE event_inbox (
    id uuid PRIMARY KEY,
    publisher text NOT NULL,
    type text NOT NULL,
    aggregate text NOT NULL,
    version bigint NOT NULL,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX event_inbox_by_age ON event_inbox (received_at);

-- The newest version of each thing whose event was handled here: older ones come too late.
CREATE TABLE event_positions (
    publisher text NOT NULL,
    aggregate text NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (publisher, aggregate)
);
