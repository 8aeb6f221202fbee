-- What only some members of an organisation may use. A resource is any id of any service;
-- auth keeps who may, and the service whose it is.

-- Restricted from the first leave until it is opened again: that the last of those who had a
-- leave goes must not open it to everybody.
CREATE TABLE restricted_resources (
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    resource text NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, resource)
);

CREATE TABLE resource_permissions (
    org_id uuid NOT NULL,
    resource text NOT NULL,
    user_id uuid NOT NULL,
    level text NOT NULL CHECK (level IN ('read', 'write', 'admin')),
    granted_by uuid REFERENCES users ON DELETE SET NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, resource, user_id),
    FOREIGN KEY (org_id, resource) REFERENCES restricted_resources ON DELETE CASCADE,
    FOREIGN KEY (org_id, user_id) REFERENCES memberships (org_id, user_id) ON DELETE CASCADE
);
CREATE INDEX resource_permissions_user_id ON resource_permissions (org_id, user_id);
CREATE INDEX resource_permissions_granted_by ON resource_permissions (granted_by);
