-- Every version of every layer, the newest included: what it was, who made it so, and when.
CREATE TABLE document_versions (
    org_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    namespace text NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    change text NOT NULL,
    layer jsonb NOT NULL CHECK (jsonb_typeof(layer) = 'object'),
    locks jsonb NOT NULL CHECK (jsonb_typeof(locks) = 'array'),
    -- The version of the namespace that it was written for.
    fits bigint NOT NULL,
    -- Who changed it; nobody when it was migrated to another schema.
    changed_by uuid,
    -- Who acted in their name, or the key that was used.
    through text,
    changed_at timestamptz NOT NULL,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (org_id, owner_id, namespace, version)
);
CREATE INDEX document_versions_by_owner ON document_versions (owner_id);
-- What is news since a snapshot is found by it.
CREATE INDEX document_versions_by_transaction ON document_versions (xid);

INSERT INTO document_versions (org_id, owner_id, namespace, version, change, layer, locks, fits, changed_by, changed_at)
SELECT org_id, owner_id, namespace, version, 'replaced', layer, locks, fits, owner_id, updated_at FROM documents;
