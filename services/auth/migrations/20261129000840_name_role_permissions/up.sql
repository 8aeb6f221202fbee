-- What roles permit changes seldom and is asked for by every token that is made. Its state has an
-- id, which any change replaces in its own transaction: who knows what belongs to an id need not
-- read it again.
CREATE TABLE role_permissions_state (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    id uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO role_permissions_state DEFAULT VALUES;

CREATE FUNCTION replace_role_permissions_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE role_permissions_state SET id = gen_random_uuid();
    RETURN NULL;
END $$;
CREATE TRIGGER role_permissions_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON role_permissions
    FOR EACH STATEMENT EXECUTE FUNCTION replace_role_permissions_state();
CREATE TRIGGER permissions_change AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON permissions
    FOR EACH STATEMENT EXECUTE FUNCTION replace_role_permissions_state();
