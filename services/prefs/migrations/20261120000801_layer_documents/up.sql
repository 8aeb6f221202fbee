-- A layer of overrides is a user's, or the organisation's own: then its owner is the organisation. No
-- user and no organisation have the same id.
ALTER TABLE documents RENAME COLUMN user_id TO owner_id;
ALTER INDEX documents_by_user RENAME TO documents_by_owner;
ALTER TABLE documents
    -- JSON Pointers of what nobody below this layer overrides.
    ADD COLUMN locks jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(locks) = 'array'),
    -- The version of the organisation's layer over which a user's is known to fit; 0 where there is none.
    ADD COLUMN fits_organization bigint NOT NULL DEFAULT 0,
    -- The transaction that wrote it: whoever watches knows by a snapshot what is news.
    ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();
ALTER TABLE namespaces
    ADD COLUMN locks jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(locks) = 'array'),
    ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();
