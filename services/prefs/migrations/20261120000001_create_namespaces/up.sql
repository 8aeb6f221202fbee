-- What can be preferred: a JSON Schema, its version, and what holds for those who chose nothing.
CREATE TABLE namespaces (
    name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9-]{0,62}$'),
    id uuid NOT NULL UNIQUE, -- orders lists: uuidv7
    version bigint NOT NULL CHECK (version > 0),
    description text NOT NULL,
    schema jsonb NOT NULL CHECK (jsonb_typeof(schema) = 'object'),
    defaults jsonb NOT NULL CHECK (jsonb_typeof(defaults) = 'object'),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
