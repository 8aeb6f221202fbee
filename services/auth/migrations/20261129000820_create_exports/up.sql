-- All that is held about a person, gathered for them over all services.
CREATE TABLE exports (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- The job that gathers it; of those that are asked for at once, its unique key lets one in.
    job_id uuid NOT NULL CONSTRAINT exports_job_id_key UNIQUE,
    created_at timestamptz NOT NULL,
    -- When it was whole; before that, nothing of it is shown to anybody.
    ready_at timestamptz,
    -- The length of the document, bytes.
    size bigint,
    expires_at timestamptz NOT NULL,
    -- Deleted, or given up. It holds nothing any more, and stays for a day because it counts.
    withdrawn_at timestamptz,
    CHECK ((ready_at IS NULL) = (size IS NULL))
);
CREATE INDEX exports_user_id ON exports (user_id, id);
CREATE INDEX exports_expires_at ON exports (expires_at);

-- What each service told, in pieces, each sealed for its row.
CREATE TABLE export_parts (
    export_id uuid NOT NULL REFERENCES exports ON DELETE CASCADE,
    service text NOT NULL,
    n integer NOT NULL,
    -- The length of what is sealed.
    bytes integer NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (export_id, service, n)
);
-- What is sealed gets no smaller.
ALTER TABLE export_parts ALTER COLUMN sealed SET STORAGE EXTERNAL;
