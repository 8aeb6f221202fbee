-- Every version of every namespace, the newest included, with what leads documents to it from the one before.
CREATE TABLE namespace_versions (
    namespace text NOT NULL REFERENCES namespaces (name),
    version bigint NOT NULL CHECK (version > 0),
    description text NOT NULL,
    schema jsonb NOT NULL CHECK (jsonb_typeof(schema) = 'object'),
    defaults jsonb NOT NULL CHECK (jsonb_typeof(defaults) = 'object'),
    locks jsonb NOT NULL CHECK (jsonb_typeof(locks) = 'array'),
    migration jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(migration) = 'array'),
    -- Who registered or replaced it; nobody when it came with an installation.
    created_by uuid,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (namespace, version)
);
INSERT INTO namespace_versions (namespace, version, description, schema, defaults, locks, created_at)
SELECT name, version, description, schema, defaults, locks, updated_at FROM namespaces;
