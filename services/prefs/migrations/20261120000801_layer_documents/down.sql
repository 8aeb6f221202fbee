ALTER TABLE namespaces DROP COLUMN locks, DROP COLUMN xid;
DELETE FROM documents WHERE owner_id = org_id;
ALTER TABLE documents DROP COLUMN locks, DROP COLUMN fits_organization, DROP COLUMN xid;
ALTER INDEX documents_by_owner RENAME TO documents_by_user;
ALTER TABLE documents RENAME COLUMN owner_id TO user_id;
