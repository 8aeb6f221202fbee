-- What a user chose in an organisation: the overrides alone, never the merged document.
-- A row stays after its overrides are taken back, so that a version never comes twice.
CREATE TABLE documents (
    org_id uuid NOT NULL,
    user_id uuid NOT NULL,
    namespace text NOT NULL REFERENCES namespaces (name),
    layer jsonb NOT NULL CHECK (jsonb_typeof(layer) = 'object'),
    version bigint NOT NULL CHECK (version > 0),
    -- The version of the namespace whose schema the layer is known to fit.
    fits bigint NOT NULL CHECK (fits > 0),
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, user_id, namespace)
);
