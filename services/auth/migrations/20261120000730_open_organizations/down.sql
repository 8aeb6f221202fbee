DROP TABLE invitations;
ALTER TABLE sessions DROP COLUMN version;
ALTER TABLE api_keys DROP CONSTRAINT api_keys_membership_fkey;
DROP TRIGGER memberships_keep_an_owner ON memberships;
DROP FUNCTION require_an_owner();
DROP INDEX memberships_one_owner, memberships_role;
ALTER TABLE memberships
    DROP CONSTRAINT memberships_role_is_an_organizations,
    DROP CONSTRAINT memberships_role_fkey;
UPDATE memberships SET role = 'member' WHERE role NOT IN ('owner', 'admin', 'member');
ALTER TABLE memberships
    ADD CONSTRAINT memberships_role_check CHECK (role IN ('owner', 'admin', 'member'));
ALTER TABLE organizations DROP COLUMN slug, DROP COLUMN metadata, DROP COLUMN updated_at;
ALTER TABLE user_roles DROP CONSTRAINT user_roles_role_is_the_platforms;
DELETE FROM roles WHERE kind = 'organization';
ALTER TABLE roles DROP CONSTRAINT roles_name_of_its_kind, DROP COLUMN kind, DROP COLUMN built_in;
