-- The whole log goes: nothing but this, which the owner must ask for, removes entries.
DROP TABLE audit_log;
DROP FUNCTION refuse_to_change_the_audit_log();
