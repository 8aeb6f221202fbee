-- All flags, segments, environments and experiments of an organisation together: whoever
-- changes one of them locks this row, so that what names another thing finds it there.
CREATE TABLE flag_sets (
    org_id uuid PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0), -- grows with every change of any of them
    salt bytea NOT NULL CHECK (octet_length(salt) = 16) -- of the hashes of targeting keys
);

-- A row stays when its flag is archived, so that its history does and no ETag comes twice.
CREATE TABLE flags (
    org_id uuid NOT NULL REFERENCES flag_sets ON DELETE CASCADE,
    key text NOT NULL CHECK (key ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$'),
    id uuid NOT NULL UNIQUE, -- orders lists: uuidv7
    version bigint NOT NULL CHECK (version > 0),
    archived boolean NOT NULL,
    definition jsonb NOT NULL CHECK (jsonb_typeof(definition) = 'object'),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, key)
);
CREATE INDEX flags_org_id ON flags (org_id, id);

-- What a flag said at each of its versions.
CREATE TABLE flag_versions (
    org_id uuid NOT NULL,
    flag_id uuid NOT NULL REFERENCES flags (id) ON DELETE CASCADE,
    version bigint NOT NULL,
    change text NOT NULL CHECK (change IN ('created', 'updated', 'archived', 'restored')),
    definition jsonb NOT NULL,
    changed_by uuid NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (flag_id, version)
);

-- Conditions that the rules of several flags name. The version is that of the set, so that
-- none comes twice, not even after a deletion.
CREATE TABLE flag_segments (
    org_id uuid NOT NULL REFERENCES flag_sets ON DELETE CASCADE,
    key text NOT NULL CHECK (key ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$'),
    id uuid NOT NULL UNIQUE, -- orders lists: uuidv7
    version bigint NOT NULL CHECK (version > 0),
    description text NOT NULL,
    condition jsonb NOT NULL CHECK (jsonb_typeof(condition) = 'object'),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, key)
);

-- Those beside development, staging and production, which every organisation has.
CREATE TABLE flag_environments (
    org_id uuid NOT NULL REFERENCES flag_sets ON DELETE CASCADE,
    key text NOT NULL CHECK (key ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$'),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, key)
);
