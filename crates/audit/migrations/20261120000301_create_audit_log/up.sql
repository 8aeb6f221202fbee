-- Who did what. Nobody changes or deletes an entry: the serving role may not, and the trigger holds
-- the owner back as well.
CREATE TABLE audit_log (
    id uuid PRIMARY KEY, -- uuidv7: orders the log
    org_id uuid, -- none for the platform's own
    actor text NOT NULL, -- usr_…, service:<name>, operator
    through text, -- who acted in the actor's name
    credential text, -- ses_…, key_…
    action text NOT NULL,
    target text,
    details jsonb NOT NULL CHECK (jsonb_typeof(details) = 'object'),
    request_id text,
    ip text,
    created_at timestamptz NOT NULL -- the instant in the id
);
CREATE INDEX audit_log_actor ON audit_log (actor, id);
CREATE INDEX audit_log_org_id ON audit_log (org_id, id);
CREATE INDEX audit_log_target ON audit_log (target, id);

CREATE FUNCTION refuse_to_change_the_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_audit_log();

REVOKE ALL ON audit_log FROM PUBLIC;
-- The default privileges of the owner give the serving role too much.
DO $$ DECLARE writer text; BEGIN
    FOR writer IN SELECT DISTINCT grantee FROM information_schema.role_table_grants
        WHERE table_schema = current_schema() AND table_name = 'audit_log' AND grantee <> current_user
    LOOP
        EXECUTE format('REVOKE ALL ON audit_log FROM %I', writer);
        EXECUTE format('GRANT SELECT, INSERT ON audit_log TO %I', writer);
    END LOOP;
END $$;
