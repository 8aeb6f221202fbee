-- Background work. `jobs` holds what waits or runs: short rows with a short life.
-- What has ended is in `jobs_history`, a partition a day, dropped as a whole.

CREATE SEQUENCE jobs_position AS bigint;

CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    -- Whose, and who asked; none for the platform's own.
    org_id uuid,
    user_id uuid,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    -- The request that caused it: {"request_id", "traceparent"}.
    context jsonb,
    -- 0 before 1 before 2.
    priority smallint NOT NULL CHECK (priority BETWEEN 0 AND 2),
    -- `parked` waits until its lane has room.
    state text NOT NULL CHECK (state IN ('ready', 'scheduled', 'parked', 'running')),
    -- The order of enqueueing, for ever; and the place in the queue, anew with each return to it.
    ord bigint NOT NULL DEFAULT nextval('jobs_position'),
    position bigint NOT NULL DEFAULT nextval('jobs_position'),
    run_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    attempt integer NOT NULL DEFAULT 0,
    max_attempts integer NOT NULL CHECK (max_attempts > 0),
    -- At most one active job of a kind has it.
    unique_key text,
    lane text,
    -- How many of the lane run at once; none: one at a time, in the order of `ord`.
    lane_width smallint CHECK (lane_width > 0),
    -- Every claim has a new lease; whoever writes must still hold it.
    lease uuid,
    leased_until timestamptz,
    worker text,
    checkpoint jsonb,
    progress jsonb,
    progress_seq bigint NOT NULL DEFAULT 0,
    cancel_requested_at timestamptz,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at timestamptz,
    CONSTRAINT jobs_leased CHECK ((state = 'running') = (lease IS NOT NULL AND leased_until IS NOT NULL))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

CREATE INDEX jobs_ready ON jobs (priority, position) WHERE state = 'ready' AND lane IS NULL;
CREATE INDEX jobs_ready_in_lanes ON jobs (priority, position) WHERE state = 'ready' AND lane IS NOT NULL;
CREATE INDEX jobs_scheduled ON jobs (run_at) WHERE state = 'scheduled';
CREATE INDEX jobs_running ON jobs (leased_until) WHERE state = 'running';
CREATE INDEX jobs_lanes ON jobs (lane, ord) WHERE lane IS NOT NULL;
CREATE UNIQUE INDEX jobs_unique ON jobs (kind, unique_key) WHERE unique_key IS NOT NULL;

CREATE TABLE jobs_history (
    id uuid NOT NULL,
    org_id uuid,
    user_id uuid,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    context jsonb,
    priority smallint NOT NULL,
    attempt integer NOT NULL,
    max_attempts integer NOT NULL,
    unique_key text,
    lane text,
    lane_width smallint,
    worker text,
    checkpoint jsonb,
    progress jsonb,
    progress_seq bigint NOT NULL,
    -- A discarded job is a dead letter: it can be tried again.
    outcome text NOT NULL CHECK (outcome IN ('succeeded', 'discarded', 'cancelled')),
    last_error text,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (id, finished_at)
) PARTITION BY RANGE (finished_at);

CREATE TABLE jobs_history_default PARTITION OF jobs_history DEFAULT;
CREATE INDEX jobs_history_dead ON jobs_history (id) WHERE outcome = 'discarded';

-- Makes the partitions of the coming week and drops those that ended before `keep`.
-- The serving role changes no tables, so it asks the owner to, in these narrow terms.
CREATE FUNCTION jobs_rotate_history(keep interval) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
    today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    oldest date := today - greatest(extract(epoch FROM keep)::bigint / 86400, 1)::integer;
    day date;
    part text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('jobs_rotate_history', 0));
    FOR day IN SELECT today + n FROM generate_series(0, 7) n LOOP
        part := 'jobs_history_' || to_char(day, 'YYYYMMDD');
        CONTINUE WHEN to_regclass(part) IS NOT NULL;
        BEGIN
            EXECUTE format('CREATE TABLE %I PARTITION OF jobs_history FOR VALUES FROM (%L) TO (%L)',
                part, day::text || ' 00:00:00+00', (day + 1)::text || ' 00:00:00+00');
        EXCEPTION WHEN check_violation THEN
            -- Rows of that day are in the default partition already: they stay there.
            NULL;
        END;
    END LOOP;
    FOR part, day IN
        SELECT relname, to_date(right(relname, 8), 'YYYYMMDD') FROM pg_inherits
        JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'jobs_history'::regclass AND relname ~ '^jobs_history_[0-9]{8}$'
    LOOP
        IF day < oldest THEN
            EXECUTE format('DROP TABLE %I', part);
        END IF;
    END LOOP;
    DELETE FROM jobs_history_default WHERE finished_at < oldest;
END $$;

SELECT jobs_rotate_history('30 days');

-- Which fire of a schedule became a job: a schedule fires once, however many processes watch it.
CREATE TABLE job_fires (
    schedule text NOT NULL,
    fire_at timestamptz NOT NULL,
    -- None in the row that says since when the schedule is watched, and for a missed fire that is skipped.
    job_id uuid,
    PRIMARY KEY (schedule, fire_at)
);
