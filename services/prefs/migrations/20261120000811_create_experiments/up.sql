-- A comparison of a flag's variants.
CREATE TABLE experiments (
    org_id uuid NOT NULL REFERENCES flag_sets ON DELETE CASCADE,
    id uuid PRIMARY KEY, -- orders lists: uuidv7
    flag text NOT NULL,
    environment text NOT NULL,
    state text NOT NULL CHECK (state IN ('draft', 'running', 'stopped')),
    plan jsonb NOT NULL CHECK (jsonb_typeof(plan) = 'object'),
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    stopped_at timestamptz,
    FOREIGN KEY (org_id, flag) REFERENCES flags (org_id, key) ON DELETE CASCADE
);
CREATE INDEX experiments_org_id ON experiments (org_id, id);
-- A flag has one at a time in an environment: two would take each other's people.
CREATE UNIQUE INDEX experiments_running ON experiments (org_id, flag, environment) WHERE state = 'running';

-- Who saw which variant, once a day each. The subject is a salted hash of a targeting key.
CREATE TABLE exposures (
    org_id uuid NOT NULL,
    experiment_id uuid NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    subject bytea NOT NULL CHECK (octet_length(subject) = 16),
    variant text NOT NULL,
    day date NOT NULL, -- UTC
    PRIMARY KEY (experiment_id, variant, subject, day)
);

-- Who did what an experiment counts.
CREATE TABLE conversions (
    org_id uuid NOT NULL,
    experiment_id uuid NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
    metric text NOT NULL,
    subject bytea NOT NULL CHECK (octet_length(subject) = 16),
    count bigint NOT NULL,
    value double precision NOT NULL,
    PRIMARY KEY (experiment_id, metric, subject)
);
