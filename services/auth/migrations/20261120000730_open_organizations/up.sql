-- Organisations take members: roles in them are data as the platform's are, and whoever has
-- an address is invited.

ALTER TABLE roles
    ADD COLUMN kind text NOT NULL DEFAULT 'platform' CHECK (kind IN ('platform', 'organization')),
    -- Plinth's own: what they permit may change, but not that they are there.
    ADD COLUMN built_in boolean NOT NULL DEFAULT false,
    -- The case of the name tells the kind, so that what names a role can be held to one.
    ADD CONSTRAINT roles_name_of_its_kind CHECK (
        name ~ CASE kind WHEN 'platform' THEN '^[A-Z][A-Z0-9_]{0,62}$' ELSE '^[a-z][a-z0-9_]{0,62}$' END
    );
UPDATE roles SET built_in = true;

INSERT INTO roles (name, kind, built_in, description) VALUES
    ('owner', 'organization', true, 'Owns the organisation: one in each. May delete it and hand it over.'),
    ('admin', 'organization', true, 'Administers the organisation and the members below.'),
    ('member', 'organization', true, 'Works in the organisation, but neither manages nor pays for it.'),
    ('viewer', 'organization', true, 'Reads; changes the own account and preferences alone.');

-- What administers the platform (`…:admin`) needs no leave of an organisation.
INSERT INTO role_permissions (role, scope)
    SELECT r.name, p.scope FROM roles r CROSS JOIN permissions p
    WHERE r.kind = 'organization' AND p.scope !~ ':admin$' AND CASE r.name
        WHEN 'member' THEN p.scope NOT IN ('orgs:write', 'payments:write', 'licenses:write', 'email:write')
        WHEN 'viewer' THEN p.scope ~ ':read$' OR p.scope IN ('auth:write', 'prefs:write')
        ELSE true
    END;

ALTER TABLE user_roles ADD CONSTRAINT user_roles_role_is_the_platforms CHECK (role ~ '^[A-Z]');

ALTER TABLE organizations
    ADD COLUMN slug text CONSTRAINT organizations_slug_key UNIQUE,
    ADD COLUMN metadata jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(metadata) = 'object'),
    ADD COLUMN updated_at timestamptz;
UPDATE organizations SET updated_at = created_at;
ALTER TABLE organizations
    ALTER COLUMN updated_at SET NOT NULL,
    ALTER COLUMN updated_at SET DEFAULT now();

ALTER TABLE memberships
    DROP CONSTRAINT memberships_role_check,
    ADD CONSTRAINT memberships_role_fkey FOREIGN KEY (role) REFERENCES roles,
    ADD CONSTRAINT memberships_role_is_an_organizations CHECK (role ~ '^[a-z]');
CREATE INDEX memberships_role ON memberships (role) WHERE role NOT IN ('owner', 'member');

-- One owner: no second by the index, no none by the trigger, which looks when the
-- transaction commits and lets an organisation go that is deleted.
CREATE UNIQUE INDEX memberships_one_owner ON memberships (org_id) WHERE role = 'owner';

CREATE FUNCTION require_an_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM organizations WHERE id = OLD.org_id)
        AND NOT EXISTS (SELECT FROM memberships WHERE org_id = OLD.org_id AND role = 'owner')
    THEN
        RAISE EXCEPTION 'organisation % would have no owner', OLD.org_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER memberships_keep_an_owner AFTER UPDATE OR DELETE ON memberships
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.role = 'owner') EXECUTE FUNCTION require_an_owner();

-- A key acts in the name of a member: it goes with the membership.
DELETE FROM api_keys k WHERE NOT EXISTS (
    SELECT FROM memberships m WHERE m.org_id = k.org_id AND m.user_id = k.user_id
);
ALTER TABLE api_keys ADD CONSTRAINT api_keys_membership_fkey
    FOREIGN KEY (org_id, user_id) REFERENCES memberships (org_id, user_id) ON DELETE CASCADE;

-- Grows when the session moves to another organisation: its tokens carry it as `sver`.
ALTER TABLE sessions ADD COLUMN version bigint NOT NULL DEFAULT 0;

-- Invitations that wait. The mailed token names one; whoever answers deletes it.
CREATE TABLE invitations (
    id uuid PRIMARY KEY,
    org_id uuid NOT NULL REFERENCES organizations ON DELETE CASCADE,
    -- Lower case, ASCII, as users have it.
    email text NOT NULL CHECK (email = lower(email)),
    role text NOT NULL REFERENCES roles CHECK (role ~ '^[a-z]' AND role <> 'owner'),
    invited_by uuid NOT NULL,
    sent_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT invitations_org_id_email_key UNIQUE (org_id, email),
    -- It goes with the member who made it.
    FOREIGN KEY (org_id, invited_by) REFERENCES memberships (org_id, user_id) ON DELETE CASCADE
);
CREATE INDEX invitations_email ON invitations (email);
CREATE INDEX invitations_invited_by ON invitations (org_id, invited_by);
