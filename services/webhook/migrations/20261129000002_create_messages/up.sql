-- Messages, deliveries and attempts are partitioned by the id of the message, which begins with its time
-- (uuidv7): what is too old is dropped by the day, without a row that is looked at.

-- What is posted to endpoints.
CREATE TABLE messages (
    id uuid PRIMARY KEY, -- orders lists
    org_id uuid NOT NULL,
    event_type text NOT NULL,
    event_id text, -- its sender's own
    body text NOT NULL, -- the very bytes that are posted and signed
    created_at timestamptz NOT NULL
) PARTITION BY RANGE (id);
CREATE INDEX messages_org_id ON messages (org_id, id);
CREATE TABLE messages_default PARTITION OF messages DEFAULT;

-- Which ids of senders are taken, over all partitions.
CREATE TABLE message_event_ids (
    org_id uuid NOT NULL,
    event_id text NOT NULL CHECK (octet_length(event_id) BETWEEN 1 AND 1024),
    message_id uuid NOT NULL,
    PRIMARY KEY (org_id, event_id)
);
CREATE INDEX message_event_ids_message_id ON message_event_ids (message_id);

-- A message on its way to one endpoint; a job of its own sends it. It outlives an endpoint that is
-- deleted, as does what was sent.
CREATE TABLE deliveries (
    message_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    org_id uuid NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'failed', 'skipped')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz CHECK (next_attempt_at IS NULL OR state = 'pending'),
    PRIMARY KEY (message_id, endpoint_id)
) PARTITION BY RANGE (message_id);
CREATE INDEX deliveries_endpoint_id ON deliveries (endpoint_id, message_id);
CREATE TABLE deliveries_default PARTITION OF deliveries DEFAULT;

-- Each time that a message was sent.
CREATE TABLE attempts (
    message_id uuid NOT NULL,
    id uuid NOT NULL, -- orders lists: uuidv7
    org_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    status integer, -- none: no answer, and `error` says why
    error text,
    response text NOT NULL,
    duration_ms bigint NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (message_id, id),
    CHECK ((status IS NULL) = (error IS NOT NULL))
) PARTITION BY RANGE (message_id);
CREATE TABLE attempts_default PARTITION OF attempts DEFAULT;

-- The least id that can be made from this moment on (RFC 9562 section 5.7: 48 bits of milliseconds).
CREATE FUNCTION message_id_at(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
$$;

-- Makes the partitions of the coming week and drops those that ended before `keep`.
-- The serving role changes no tables, so it asks the owner to, in these narrow terms.
CREATE FUNCTION rotate_messages(keep interval) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
    today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    oldest date := today - greatest(extract(epoch FROM keep)::bigint / 86400, 1)::integer;
    parent text;
    day date;
    part text;
    first uuid := message_id_at(oldest::timestamp AT TIME ZONE 'UTC');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('rotate_messages', 0));
    FOREACH parent IN ARRAY ARRAY['attempts', 'deliveries', 'messages'] LOOP
        FOR day IN SELECT today + n FROM generate_series(0, 7) n LOOP
            part := parent || '_' || to_char(day, 'YYYYMMDD');
            CONTINUE WHEN to_regclass(part) IS NOT NULL;
            BEGIN
                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', part, parent,
                    message_id_at(day::timestamp AT TIME ZONE 'UTC'),
                    message_id_at((day + 1)::timestamp AT TIME ZONE 'UTC'));
            EXCEPTION WHEN check_violation THEN
                -- Rows of that day are in the default partition already: they stay there.
                NULL;
            END;
        END LOOP;
        FOR part, day IN
            SELECT relname, to_date(right(relname, 8), 'YYYYMMDD') FROM pg_inherits
            JOIN pg_class ON pg_class.oid = inhrelid
            WHERE inhparent = parent::regclass AND relname ~ ('^' || parent || '_[0-9]{8}$')
        LOOP
            IF day < oldest THEN
                EXECUTE format('DROP TABLE %I', part);
            END IF;
        END LOOP;
    END LOOP;
    DELETE FROM attempts_default WHERE message_id < first;
    DELETE FROM deliveries_default WHERE message_id < first;
    DELETE FROM messages_default WHERE id < first;
    DELETE FROM message_event_ids WHERE message_id < first;
END $$;

SELECT rotate_messages('30 days');

-- When an endpoint gets its next message: apart from the endpoint, since it changes with each.
CREATE TABLE endpoint_turns (
    endpoint_id uuid PRIMARY KEY REFERENCES endpoints ON DELETE CASCADE,
    org_id uuid NOT NULL,
    next_at timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
